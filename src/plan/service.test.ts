import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Endpoint, EndpointSlice, Service } from "../kube/objects.ts";
import { parseCidr, parseIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { northboundScope } from "../model/scope.ts";
import { backendsOf, formatBackend } from "./endpoints.ts";
import { NodeIndex } from "./nodeIndex.ts";
import { serviceFacts } from "./service.ts";

const meta = {
  namespace: "shop",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
};
const port = { name: "http", protocol: "TCP", port: 80 } as const;
const service: Service = {
  ...meta,
  kind: "Service",
  name: "web",
  type: "ClusterIP",
  clusterIps: ["10.96.0.10", "fd00:10:96::10"],
  ports: [port],
  affinitySeconds: 0,
  publishNotReadyAddresses: false,
};
const anEndpoint = (address: string, change: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [address],
  ready: true,
  serving: true,
  terminating: false,
  nodeName: "",
  ...change,
});
const aSlice = (endpoints: readonly Endpoint[], change: Partial<EndpointSlice> = {}): EndpointSlice => ({
  ...meta,
  kind: "EndpointSlice",
  name: "web-1",
  serviceName: "web",
  addressType: "IPv4",
  endpoints,
  ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  ...change,
});
const leaving = { ready: false, terminating: true };

const choices: readonly (readonly [string, readonly EndpointSlice[], readonly string[]])[] = [
  ["no slice gives nothing", [], []],
  [
    "endpoints of two slices are joined, sorted, each once",
    [
      aSlice([anEndpoint("10.244.1.9"), anEndpoint("10.244.0.30")]),
      aSlice([anEndpoint("10.244.0.30"), anEndpoint("10.244.0.4")]),
    ],
    ["10.244.0.4:8080", "10.244.0.30:8080", "10.244.1.9:8080"],
  ],
  [
    "ready in one of two slices is ready",
    [aSlice([anEndpoint("10.244.0.3", { ready: false })]), aSlice([anEndpoint("10.244.0.3")])],
    ["10.244.0.3:8080"],
  ],
  [
    "what terminates is left out while something is ready",
    [aSlice([anEndpoint("10.244.0.3", leaving), anEndpoint("10.244.0.4")])],
    ["10.244.0.4:8080"],
  ],
  [
    "what terminates but serves is better than nothing",
    [aSlice([anEndpoint("10.244.0.3", leaving), anEndpoint("10.244.0.4", { ...leaving, serving: false })])],
    ["10.244.0.3:8080"],
  ],
  [
    "what is not ready and does not terminate is never taken",
    [aSlice([anEndpoint("10.244.0.3", { ready: false })])],
    [],
  ],
  [
    "only the first address of an endpoint counts",
    [aSlice([anEndpoint("10.244.0.3", { addresses: ["10.244.0.3", "10.244.0.4"] })])],
    ["10.244.0.3:8080"],
  ],
  [
    "addresses of the other family, and texts that are none, are left out",
    [
      aSlice([anEndpoint("fd00::3"), anEndpoint("x"), anEndpoint("", { addresses: [] })]),
      aSlice([anEndpoint("fd00::4")], { addressType: "IPv6" }),
    ],
    [],
  ],
  [
    "a port of the same name but another protocol is another port",
    [aSlice([anEndpoint("10.244.0.3")], { ports: [{ name: "http", protocol: "UDP", port: 8080 }] })],
    [],
  ],
  [
    "a port without a number balances nothing",
    [aSlice([anEndpoint("10.244.0.3")], { ports: [{ name: "http", protocol: "TCP", port: undefined }] })],
    [],
  ],
];
for (const [what, slices, expected] of choices) {
  test(what, () => {
    assert.deepEqual(backendsOf(service, slices, port, 4).map(formatBackend), expected);
  });
}

test("a Service that publishes what is not ready takes everything", () => {
  const slices = [aSlice([anEndpoint("10.244.0.3", { ready: false }), anEndpoint("10.244.0.4", leaving)])];
  const early = { ...service, publishNotReadyAddresses: true };
  assert.deepEqual(backendsOf(early, slices, port, 4).map(formatBackend), [
    "10.244.0.3:8080",
    "10.244.0.4:8080",
  ]);
});

const aNode = (n: number): ResolvedNode => ({
  name: `n${n}`,
  id: n + 1,
  subnets: [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`].flatMap((text) => parseCidr(text) ?? []),
  chassisId: undefined,
  gateway: undefined,
  hostAddresses: [`172.30.0.1${n}`, `fd00:172:30::1${n}`].flatMap((text) => parseIp(text) ?? []),
});
const nodes = [1, 2, 3].map(aNode);
const addresses = ["10.244.1.3", "10.244.2.3", "172.30.0.11", "172.30.0.12", "192.0.2.1"];

test("the facts of a Service do not depend on the order of slices, endpoints or nodes", () => {
  const scope = northboundScope("demo", "global");
  const slice = fc
    .array(fc.record({ at: fc.nat(addresses.length - 1), ready: fc.boolean() }), { maxLength: 5 })
    .map((list) =>
      aSlice(list.map(({ at, ready }) => anEndpoint(addresses[at] ?? "", { ready, terminating: !ready }))),
    );
  const shuffled = <T>(list: readonly T[]) => fc.shuffledSubarray([...list], { minLength: list.length });
  fc.assert(
    fc.property(
      fc.array(slice, { maxLength: 4 }).chain((slices) =>
        fc.tuple(
          fc.constant(slices),
          shuffled(slices).map((list) =>
            list.map((one) => ({ ...one, endpoints: one.endpoints.toReversed() })),
          ),
          shuffled(nodes),
        ),
      ),
      ([slices, otherSlices, otherNodes]) => {
        const facts = serviceFacts(scope, "service/shop/web", service, slices, new NodeIndex(nodes));
        assert.deepEqual(
          serviceFacts(scope, "service/shop/web", service, otherSlices, new NodeIndex(otherNodes)),
          facts,
        );
      },
    ),
  );
});

test("every node's switch has exactly one balancer of a Service, by the group or by itself", () => {
  const scope = northboundScope("demo", "global");
  fc.assert(
    fc.property(fc.subarray(addresses), (chosen) => {
      const facts = serviceFacts(
        scope,
        "service/shop/web",
        service,
        [aSlice(chosen.map((ip) => anEndpoint(ip)))],
        new NodeIndex(nodes),
      );
      const members = facts.filter((fact) => fact.kind === "member");
      const inGroup = members.filter(({ table }) => table === "Load_Balancer_Group").length;
      const onSwitches = members.filter(({ table }) => table === "Logical_Switch");
      assert.equal(new Set(onSwitches.map(({ uuid }) => uuid)).size, onSwitches.length);
      assert.deepEqual([inGroup, onSwitches.length], inGroup === 1 ? [1, 0] : [0, nodes.length]);
      const rows = facts.filter((fact) => fact.kind === "row").map(({ uuid }) => uuid);
      assert.deepEqual(
        new Set(members.map(({ value }) => value)),
        new Set<unknown>(rows),
        "a balancer that is nowhere",
      );
    }),
  );
});
