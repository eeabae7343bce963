import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CniError } from "../nouns/cniError.ts";
import { type CniRequest, cniVersions, parseEnvelope, requestOf } from "./request.ts";

const env = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_UID=u-1",
  CNI_PATH: "/opt/cni/bin",
};

const line = (change: object = {}, configuration: object = {}): string =>
  JSON.stringify({
    version: 1,
    env: { ...env, ...change },
    stdin: JSON.stringify({ cniVersion: "1.1.0", name: "weft", ...configuration }),
  });

const parse = (text: string): CniRequest => requestOf(parseEnvelope(text));

function codeOf(text: string): number | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof CniError, String(error));
    return error.code;
  }
}

test("ADD carries the pod that the runtime names", () => {
  assert.deepEqual(parse(line()), {
    command: "ADD",
    container: "c1",
    ifname: "eth0",
    netns: "/run/netns/x",
    pod: { namespace: "shop", name: "web-1", uid: "u-1" },
  });
});

test("a runtime that does not say the pod's UID is served", () => {
  const request = parse(line({ CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1" }));
  assert.equal(request.command === "ADD" && request.pod.uid, undefined);
});

test("DEL needs no namespace and no pod, since both may be gone", () => {
  assert.deepEqual(parse(line({ CNI_COMMAND: "DEL", CNI_NETNS: "", CNI_ARGS: "" })), {
    command: "DEL",
    container: "c1",
    ifname: "eth0",
  });
});

test("CHECK compares with the addresses of prevResult, and GC keeps what is listed", () => {
  const prevResult = { ips: [{ address: "10.244.0.5/24", gateway: "10.244.0.1" }] };
  const check = parse(line({ CNI_COMMAND: "CHECK" }, { prevResult }));
  assert.deepEqual(check.command === "CHECK" && check.addresses, ["10.244.0.5/24"]);
  const attachments = { "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }] };
  assert.deepEqual(parse(line({ CNI_COMMAND: "GC" }, attachments)), {
    command: "GC",
    valid: [{ container: "c1", ifname: "eth0" }],
  });
});

test("a GC without a list is refused: absent does not mean none", () => {
  assert.equal(codeOf(line({ CNI_COMMAND: "GC" })), 7);
});

test("what is wrong has the specification's code", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["", 6],
    ["null", 6],
    ['{"version":2,"env":{},"stdin":"{}"}', 6],
    ['{"version":1,"env":{},"stdin":"{"}', 6],
    [line({}, { cniVersion: "0.3.0" }), 7],
    [line({ CNI_COMMAND: "CHECK" }), 7],
    [line({ CNI_COMMAND: "" }), 4],
    [line({ CNI_CONTAINERID: "a/b" }), 4],
    [line({ CNI_IFNAME: "a b" }), 4],
    [line({ CNI_IFNAME: ".." }), 4],
    [line({ CNI_NETNS: "relative" }), 4],
    [line({ CNI_NETNS: "/with\nnewline" }), 4],
    [line({ CNI_ARGS: "K8S_POD_NAMESPACE=shop" }), 4],
    [line({ CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=A_b" }), 4],
    [line({ CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=a;K8S_POD_UID=a b" }), 4],
  ];
  for (const [text, code] of cases) assert.equal(codeOf(text), code, text);
});

test("a caller that is not Kubernetes is told so", () => {
  assert.throws(() => parse(line({ CNI_ARGS: "FOO=bar" })), /only Kubernetes pods/);
});

test("whatever comes in, the answer is a request or an error of the specification", () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record(
        {
          CNI_COMMAND: fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", ""),
          CNI_CONTAINERID: fc.string(),
          CNI_NETNS: fc.string(),
          CNI_IFNAME: fc.string(),
          CNI_ARGS: fc.string(),
        },
        { requiredKeys: [] },
      )
      .chain((change) =>
        fc
          .record({ cniVersion: fc.constantFrom(...cniVersions), prevResult: fc.jsonValue() })
          .map((configuration) => line(change, configuration)),
      ),
  );
  fc.assert(fc.property(hostile, (text) => void codeOf(text)));
});

test("nothing that is let through can end a line of a batch, or add to it", () => {
  const special = fc.constantFrom(" ", "\n", "\0", '"', "'", "#", "\\", ";", "$", "a");
  const anyName = fc.string({ unit: special, maxLength: 3 });
  fc.assert(
    fc.property(anyName, anyName, (ifname, netns) => {
      const text = line({ CNI_IFNAME: `e${ifname}`, CNI_NETNS: `/n${netns}` });
      const harmless = /^a*$/.test(ifname + netns);
      assert.equal(codeOf(text), harmless ? undefined : 4);
    }),
  );
});
