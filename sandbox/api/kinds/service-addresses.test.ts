import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Cidr, parseCidr } from "../../../src/model/ip.ts";
import { Causes } from "../causes.ts";
import { type Json, type JsonObject, listAt, objectAt } from "../json.ts";
import { asKubeObject, type KubeObject } from "../objects.ts";
import { allocated } from "./service-addresses.ts";

const cidrs = (...texts: readonly string[]): { cidrs: readonly Cidr[] } => ({
  cidrs: texts.flatMap((text) => parseCidr(text) ?? []),
});
const dual = cidrs("10.96.0.0/29", "fd00:10:96::/112");
const service = (spec: JsonObject): KubeObject =>
  asKubeObject({
    kind: "Service",
    metadata: { name: "s" },
    spec: { type: "ClusterIP", ports: [{ port: 80, protocol: "TCP" }], ...spec },
  });

function specOf(
  spec: JsonObject,
  others: readonly KubeObject[] = [],
  old?: KubeObject,
): { spec: JsonObject; wrong: readonly string[] } {
  const causes = new Causes();
  const result = allocated(service(spec), old, others, dual, causes);
  return {
    spec: objectAt(result, "spec"),
    wrong: causes.list.map((cause) => `${cause.field}: ${cause.message}`),
  };
}

const ips = (spec: JsonObject): readonly Json[] => listAt(spec, "clusterIPs");

describe("a Service's addresses", () => {
  it("are one of the first family when it does not choose", () => {
    const { spec } = specOf({});
    assert.deepEqual(
      [ips(spec), spec["ipFamilies"], spec["ipFamilyPolicy"]],
      [["10.96.0.2"], ["IPv4"], "SingleStack"],
    );
  });

  it("are of both families when it wants dual stack, its own first", () => {
    const { spec } = specOf({ ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv6"] });
    assert.deepEqual(
      [ips(spec), spec["ipFamilies"]],
      [
        ["fd00:10:96::2", "10.96.0.2"],
        ["IPv6", "IPv4"],
      ],
    );
  });

  it("skip those that others have, until none is left", () => {
    const others: KubeObject[] = [];
    for (let n = 2; n <= 6; n++) others.push(service({ clusterIPs: [`10.96.0.${n}`] }));
    assert.deepEqual(ips(specOf({}, others.slice(0, 4)).spec), ["10.96.0.6"]);
    assert.match(specOf({}, others).wrong.join(), /range is full/);
  });

  it("are none for a headless one, whose families are kept", () => {
    const { spec } = specOf({ clusterIP: "None", ipFamilyPolicy: "RequireDualStack" });
    assert.deepEqual([ips(spec), spec["ipFamilies"]], [["None"], ["IPv4", "IPv6"]]);
  });

  it("are refused when taken, outside the range or no address", () => {
    assert.match(
      specOf({ clusterIP: "10.96.0.3" }, [service({ clusterIPs: ["10.96.0.3"] })]).wrong.join(),
      /already allocated/,
    );
    assert.match(specOf({ clusterIP: "10.97.0.3" }).wrong.join(), /not in the valid range/);
    assert.match(specOf({ clusterIP: "ten" }).wrong.join(), /must be a valid IP address/);
  });

  it("stay when an update leaves them out", () => {
    const old = service({
      clusterIP: "10.96.0.5",
      clusterIPs: ["10.96.0.5"],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
    });
    assert.deepEqual(ips(specOf({}, [], old).spec), ["10.96.0.5"]);
  });

  it("come with node ports, never one twice, when the type wants them", () => {
    const ports = [
      { port: 1, protocol: "TCP" },
      { port: 2, protocol: "TCP" },
      { port: 3, protocol: "TCP", nodePort: 30_005 },
    ];
    const { spec } = specOf({ type: "NodePort", ports }, [
      service({ ports: [{ port: 9, protocol: "TCP", nodePort: 30_000 }] }),
    ]);
    assert.deepEqual(
      listAt(spec, "ports").map((port) => objectAt(port)["nodePort"]),
      [30_001, 30_002, 30_005],
    );
  });
});
