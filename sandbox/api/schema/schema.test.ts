import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeObject } from "./decode.ts";
import { decodeProtobuf } from "./protobuf.ts";
import { type MessageType, schema } from "./schema.ts";

function type(name: string): MessageType {
  const found = schema.get(name);
  assert.ok(found, name);
  return found;
}

/** A length-delimited protobuf field. */
const field = (number: number, ...parts: readonly (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([(number << 3) | 2, body.length]), body]);
};
const varint = (number: number, value: number): Buffer => Buffer.from([number << 3, value]);
const envelope = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  Buffer.concat([Buffer.from("k8s\0"), field(1, field(1, apiVersion), field(2, kind)), field(2, raw)]);

describe("the schema", () => {
  it("describes every type that a field has", () => {
    const scalars = [
      "string",
      "bool",
      "int",
      "bytes",
      "Time",
      "MicroTime",
      "Quantity",
      "IntOrString",
      "json",
    ];
    for (const { name, byNumber } of schema.values())
      for (const one of byNumber.values())
        assert.ok(
          schema.has(one.type) || scalars.includes(one.type),
          `${name}.${one.name} has type ${one.type}`,
        );
  });

  it("shows the fields of inline types beside the others", () => {
    assert.ok(type("Probe").byName.has("httpGet"));
    assert.ok(type("Volume").byName.has("emptyDir"));
  });
});

describe("decoding JSON", () => {
  it("drops nulls, keeps what the schema has and reports the rest with its path", () => {
    const body = {
      kind: "Pod",
      metadata: { name: "p", creationTimestamp: null },
      spec: { containers: [{ name: "c", imag: "x" }] },
    };
    const { object, unknown } = decodeObject(body, type("Pod"));
    assert.deepEqual(object, {
      apiVersion: undefined,
      kind: "Pod",
      metadata: { name: "p" },
      spec: { containers: [{ name: "c" }] },
    });
    assert.deepEqual(unknown, ["spec.containers[0].imag"]);
  });

  const wrong: readonly (readonly [string, object])[] = [
    ["a number for a string", { metadata: { name: 3 } }],
    ["a string for a number", { spec: { containers: [{ ports: [{ containerPort: "80" }] }] } }],
    ["an object for a list", { spec: { containers: {} } }],
    ["a list for an object", { spec: [] }],
    ["a number in a map of strings", { metadata: { labels: { a: 1 } } }],
    ["a date that is none", { status: { startTime: "yesterday" } }],
    ["a quantity that is none", { spec: { containers: [{ resources: { limits: { cpu: "many" } } }] } }],
  ];
  for (const [name, body] of wrong)
    it(`refuses ${name}`, () =>
      assert.throws(() => decodeObject({ kind: "Pod", ...body }, type("Pod")), {
        reason: "BadRequest",
        message: /cannot unmarshal/,
      }));
});

describe("decoding protobuf", () => {
  it("reads what kubectl create service sends", () => {
    const port = field(1, field(1, "web"), varint(3, 80), field(4, varint(1, 1), field(3, "http")));
    const raw = Buffer.concat([
      field(1, field(1, "s"), field(2, ""), field(8), field(11, field(1, "app"), field(2, "s"))),
      field(2, port, field(2, field(1, "app"), field(2, "s")), field(4, "ClusterIP")),
    ]);
    assert.deepEqual(decodeProtobuf(envelope("v1", "Service", raw)), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s", labels: { app: "s" } },
      spec: {
        ports: [{ name: "web", port: 80, targetPort: "http" }],
        selector: { app: "s" },
        type: "ClusterIP",
      },
    });
  });

  it("refuses a field it does not know rather than losing it", () => {
    const body = envelope("v1", "Namespace", field(15, "x"));
    assert.throws(() => decodeProtobuf(body), /field 15 of Namespace/);
  });

  it("refuses a body that is cut off or no Kubernetes protobuf", () => {
    const whole = envelope("v1", "Namespace", field(1, field(1, "name")));
    assert.throws(() => decodeProtobuf(whole.subarray(0, -3)), { reason: "BadRequest" });
    assert.throws(() => decodeProtobuf(Buffer.from("{}")), /k8s prefix/);
  });
});
