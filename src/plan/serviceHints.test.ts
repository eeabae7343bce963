import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { ResolvedNode } from "../model/network.ts";
import { northboundScope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import { balanced } from "./endpoints.ts";
import { type KnownHosts, serviceFacts } from "./service.ts";
import { aNode, aSlice, factsOf, hostsOf, leaving, onNode, port, service } from "./serviceFixture.ts";

const inZone = (n: number, zone?: string): ResolvedNode => ({ ...aNode(n), ...(zone && { zone }) });
const hintedAt = (n: number, last: number, zones: readonly string[], nodeNames: readonly string[] = []) =>
  onNode(n, last, { hints: { zones, nodes: nodeNames } });
const single: Service = { ...service, clusterIps: ["10.96.0.10"] };
/** Each balancer with what it leads to, and who has it. */
const having = (facts: readonly Fact[]): readonly string[] => {
  const rows = facts.flatMap((fact) => (fact.kind === "row" && fact.table === "Load_Balancer" ? [fact] : []));
  const { names } = northboundScope("demo", "global");
  const places = new Map(
    [
      ...[undefined, "a", "b", "c"].map((zone) => [
        `zone ${zone}`,
        "Load_Balancer_Group",
        names.zoneGroup(zone),
      ]),
      ...["n1", "n2", "n3"].map((node) => [node, "Logical_Switch", names.nodeSwitch(node)]),
      ["all", "Load_Balancer_Group", names.serviceGroup],
      ["machines", "Load_Balancer_Group", names.machineGroup],
    ].map(([place = "", table, name = ""]) => {
      const scope = northboundScope("demo", "global");
      return [
        rowUuid(scope.cluster, table === "Logical_Switch" ? table : "Load_Balancer_Group", name),
        place,
      ];
    }),
  );
  return rows.map(({ uuid, columns }) => {
    const vips = columns.get("vips") as ReadonlyMap<string, string>;
    const at = facts.flatMap((fact) =>
      fact.kind === "member" && fact.value === uuid ? [places.get(fact.uuid) ?? fact.table] : [],
    );
    return `${[...vips].map((vip) => vip.join("=")).join(" ")} at ${at.join(", ")}`;
  });
};

test("clients in a zone have the endpoints hinted at it, and clients elsewhere all of them", () => {
  const slices = [aSlice([hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"]), hintedAt(2, 4, ["b", "gone"])])];
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b"), inZone(3)]);
  assert.deepEqual(having(factsOf(single, slices, hosts)), [
    "10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080,10.244.2.4:8080 at zone undefined",
    "10.96.0.10:80=10.244.1.3:8080 at zone a",
    "10.96.0.10:80=10.244.2.3:8080,10.244.2.4:8080 at zone b",
  ]);
});

test("switches that are no node's have all endpoints", () => {
  const slices = [aSlice([hintedAt(1, 3, ["a"], ["n1"]), hintedAt(2, 3, ["b"], ["n2"])])];
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b")]);
  const withMachines: KnownHosts = {
    hasMachines: true,
    node: (name) => hosts.node(name),
    nodes: () => hosts.nodes(),
    zones: () => hosts.zones(),
    targetOf: (ip) => ip,
  };
  const { vips } = balanced(single, slices);
  const facts = serviceFacts(
    northboundScope("demo", "global"),
    "service/shop/web",
    single,
    vips,
    withMachines,
  );
  assert.deepEqual(having(facts), [
    "10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080 at machines",
    "10.96.0.10:80=10.244.1.3:8080 at n1",
    "10.96.0.10:80=10.244.2.3:8080 at n2",
  ]);
});

test("hints count only if every ready endpoint has one", () => {
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b"), inZone(3)]);
  const all = "10.96.0.10:80=10.244.1.3:8080,10.244.2.3:8080 at all";
  const [one, unhinted] = [hintedAt(1, 3, ["a"], ["n1"]), onNode(2, 3)];
  assert.deepEqual(having(factsOf(single, [aSlice([one, unhinted])], hosts)), [all]);
  const leavers = [hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"])].map((end) => ({ ...end, ...leaving }));
  assert.deepEqual(having(factsOf(single, [aSlice(leavers)], hosts)), [all], "none is ready");
  const waiting = onNode(3, 3, { ready: false, serving: false });
  assert.deepEqual(
    having(factsOf(single, [aSlice([one, hintedAt(2, 3, ["b"], ["n2"]), waiting])], hosts)).length,
    3,
    "one that is not ready needs no hint",
  );
});

test("clients on a node have its endpoints, others those of their zone, and the rest all", () => {
  const slices = [
    aSlice([hintedAt(1, 3, ["a"], ["n1"]), hintedAt(2, 3, ["b"], ["n2"]), hintedAt(2, 4, ["b"], ["n2"])]),
  ];
  const at = (third?: string) =>
    having(factsOf(single, slices, hostsOf([inZone(1, "a"), inZone(2, "b"), inZone(3, third)])));
  const [n1, n2] = ["10.244.1.3:8080", "10.244.2.3:8080,10.244.2.4:8080"];
  const near = [`10.96.0.10:80=${n1} at n1`, `10.96.0.10:80=${n2} at n2`];
  assert.deepEqual(at("b"), [...near, `10.96.0.10:80=${n2} at n3`]);
  assert.deepEqual(at("c"), [`10.96.0.10:80=${n1},${n2} at n3`, ...near]);
});

test("a port without hints leads to all its endpoints beside one with hints", () => {
  const two: Service = { ...single, ports: [port, { ...port, name: "admin", port: 90 }] };
  const slices = [
    aSlice([hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"])]),
    aSlice([onNode(1, 3), onNode(2, 3)], {
      name: "web-2",
      ports: [{ name: "admin", protocol: "TCP", port: 9090 }],
    }),
  ];
  const admin = "10.96.0.10:90=10.244.1.3:9090,10.244.2.3:9090";
  assert.deepEqual(having(factsOf(two, slices, hostsOf([inZone(1, "a"), inZone(2, "b")]))), [
    `10.96.0.10:80=10.244.1.3:8080 ${admin} at zone a`,
    `10.96.0.10:80=10.244.2.3:8080 ${admin} at zone b`,
  ]);
});

test("what is local anyway needs no hints", () => {
  const slices = [aSlice([hintedAt(1, 3, ["a"]), hintedAt(2, 3, ["b"])])];
  const plain = [aSlice([onNode(1, 3), onNode(2, 3)])];
  const local: Service = { ...single, internalTrafficPolicy: "Local" };
  const hosts = hostsOf([inZone(1, "a"), inZone(2, "b")]);
  assert.deepEqual(factsOf(local, slices, hosts), factsOf(local, plain, hosts));
});

test("hints at zones make facts by zones, not by nodes, and plain Services none more", () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({
    ...inZone(1, ["a", "b", "c"][i % 3]),
    name: `n${i}`,
  }));
  const hosts = hostsOf(many);
  const count = (hinted: boolean): number =>
    factsOf(
      single,
      [aSlice(["a", "b", "c"].map((zone, i) => (hinted ? hintedAt(1, i + 3, [zone]) : onNode(1, i + 3))))],
      hosts,
    ).length;
  assert.equal(count(false), 2);
  assert.equal(count(true), 3 * 2);
});
