import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../model/ip.ts";
import { Interner } from "./intern.ts";
import { type KubeObject, kinds } from "./kinds.ts";
import type { EndpointSlice, Pod, Service } from "./objects.ts";

import { endpointSliceOf, nodeOf, podOf, serviceOf } from "./project.ts";

const metadata = { namespace: "shop", name: "web", uid: "u1", resourceVersion: "7" };
const pod = (object: object): Pod | undefined => podOf({ metadata, ...object }, new Interner());
const service = (spec: object): Service | undefined => serviceOf({ metadata, spec }, new Interner());
const slice = (object: object): EndpointSlice | undefined =>
  endpointSliceOf({ metadata, addressType: "IPv4", ...object }, new Interner());

test("a pod keeps what Weft reads and nothing else", () => {
  const object = {
    metadata: {
      ...metadata,
      labels: { app: "web" },
      annotations: { "k8s.ovn.org/pod-networks": "{}", "example.org/essay": "long" },
      managedFields: [{ manager: "kubelet" }],
    },
    spec: { nodeName: "n1", hostNetwork: true, containers: [{ name: "web" }] },
    status: { phase: "Running", podIPs: [{ ip: "10.244.1.5" }, { ip: "FD00:10:244:0::5" }] },
  };
  assert.deepEqual(podOf(object, new Interner()), {
    kind: "Pod",
    namespace: "shop",
    name: "web",
    uid: "u1",
    resourceVersion: "7",
    labels: { app: "web" },
    annotations: { "k8s.ovn.org/pod-networks": "{}" },
    deletionTimestamp: undefined,
    nodeName: "n1",
    unserved: [],
    hostNetwork: true,
    phase: "Running",
    podIps: ["10.244.1.5", "fd00:10:244::5"],
  });
});

test("a pod that nobody has scheduled has no node and is pending", () => {
  const bare = pod({});
  assert.equal(bare?.nodeName, "");
  assert.equal(bare?.phase, "Pending");
  assert.equal(pod({ status: { phase: "Dreaming" } })?.phase, "Unknown");
});

test("the old single address of a pod or Service counts where the list is missing", () => {
  assert.deepEqual(pod({ status: { podIP: "10.0.0.1" } })?.podIps, ["10.0.0.1"]);
  assert.deepEqual(service({ clusterIP: "10.96.0.10" })?.clusterIps, ["10.96.0.10"]);
});

test("a node's internal addresses are kept in their order", () => {
  const status = {
    addresses: [
      { type: "Hostname", address: "n1" },
      { type: "InternalIP", address: "172.30.0.11" },
      { type: "ExternalIP", address: "203.0.113.1" },
      { type: "InternalIP", address: "fd00:172:30::11" },
      { type: "InternalIP", address: "not an address" },
    ],
    conditions: [
      { type: "Ready", status: "True" },
      { type: "NetworkUnavailable", status: "True" },
    ],
  };
  const node = nodeOf({ metadata: { ...metadata, namespace: undefined }, status }, new Interner());
  assert.deepEqual(node?.internalIps, ["172.30.0.11", "fd00:172:30::11"]);
  assert.equal(node?.networkUnavailable, true);
  assert.equal(node?.namespace, "");
});

test("a headless Service has no cluster addresses", () => {
  assert.deepEqual(service({ clusterIP: "None", clusterIPs: ["None"] })?.clusterIps, []);
  assert.deepEqual(service({ type: "ExternalName", externalName: "example.org" })?.clusterIps, []);
});

test("a Service port that makes no sense is left out, the others stay", () => {
  const ports = [
    { name: "web", port: 80 },
    { port: 0 },
    { port: 65_536 },
    { port: "80" },
    { port: 53, protocol: "UDP" },
    { port: 1, protocol: "QUIC" },
    null,
  ];
  assert.deepEqual(service({ ports })?.ports, [
    { name: "web", protocol: "TCP", port: 80 },
    { name: "", protocol: "UDP", port: 53 },
  ]);
});

test("node ports and traffic policies are kept where they say something", () => {
  const ports = [
    { port: 80, nodePort: 30_080 },
    { port: 81, nodePort: 0 },
    { port: 82, nodePort: 99_999 },
  ];
  const policies = {
    externalTrafficPolicy: "Local",
    internalTrafficPolicy: "Cluster",
    healthCheckNodePort: 31_000,
  };
  const { ports: kept, ...rest } = service({ type: "LoadBalancer", ports, ...policies }) ?? assert.fail();
  assert.deepEqual(
    kept.map(({ nodePort }) => nodePort),
    [30_080, undefined, undefined],
  );
  assert.equal(rest.externalTrafficPolicy, "Local");
  assert.ok(!("internalTrafficPolicy" in rest));
  assert.equal(rest.healthCheckNodePort, 31_000);
});

test("session affinity lasts as long as it says, or three hours", () => {
  assert.equal(service({ sessionAffinity: "None" })?.affinitySeconds, 0);
  assert.equal(service({ sessionAffinity: "ClientIP" })?.affinitySeconds, 10_800);
  const sessionAffinityConfig = { clientIP: { timeoutSeconds: 60 } };
  assert.equal(service({ sessionAffinity: "ClientIP", sessionAffinityConfig })?.affinitySeconds, 60);
});

test("conditions that an endpoint leaves out have the API's defaults", () => {
  const endpoints = [
    { addresses: ["10.0.0.1"] },
    { addresses: ["10.0.0.2"], conditions: { ready: false } },
    { addresses: ["10.0.0.3"], conditions: { ready: false, serving: true, terminating: true } },
  ];
  const conditions = slice({ endpoints })?.endpoints.map(({ ready, serving, terminating }) => ({
    ready,
    serving,
    terminating,
  }));
  assert.deepEqual(conditions, [
    { ready: true, serving: true, terminating: false },
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: true, terminating: true },
  ]);
});

test("the endpoints of a slice come in the order of their addresses and nodes, whatever order the API has", () => {
  const endpoints = [
    ["10.0.0.2", "n1"],
    ["10.0.0.1", "n2"],
    ["10.0.0.1", "n1"],
  ].map(([address, nodeName]) => ({ addresses: [address], nodeName }));
  const places = (list: readonly object[]) =>
    slice({ endpoints: list })?.endpoints.map((one) => `${one.addresses[0]} ${one.nodeName}`);
  assert.deepEqual(places(endpoints), ["10.0.0.1 n1", "10.0.0.1 n2", "10.0.0.2 n1"]);
  assert.deepEqual(places(endpoints.toReversed()), places(endpoints));
});

test("an endpoint keeps only addresses of its slice's family", () => {
  const endpoints = [{ addresses: ["10.0.0.1", "fd00::1", "web.example.org"], nodeName: "n1" }];
  assert.deepEqual(slice({ endpoints })?.endpoints[0]?.addresses, ["10.0.0.1"]);
  assert.deepEqual(slice({ endpoints, addressType: "IPv6" })?.endpoints[0]?.addresses, ["fd00::1"]);
  assert.equal(slice({ endpoints, addressType: "IPX" }), undefined);
});

test("addresses that no endpoint can have are left out, and told apart from malformed ones", () => {
  const special = ["0.0.0.0", "127.0.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255"];
  const endpoints = ["10.0.0.1", ...special, "web"].map((address) => ({ addresses: [address] }));
  const found = slice({ endpoints });
  assert.deepEqual(
    found?.endpoints.flatMap(({ addresses }) => addresses),
    ["10.0.0.1"],
  );
  assert.deepEqual(found?.special, special);
  const special6 = ["::", "::1", "fe80::1", "ff02::1"];
  const found6 = slice({ endpoints: special6.map((one) => ({ addresses: [one] })), addressType: "IPv6" });
  assert.deepEqual(
    [found6?.endpoints.flatMap(({ addresses }) => addresses), found6?.special],
    [[], special6],
  );
  assert.equal(slice({ endpoints: [{ addresses: ["10.0.0.1"] }] })?.special, undefined);
});

test("an endpoint port without a number means all ports, one out of range means nothing", () => {
  assert.deepEqual(slice({ ports: [{ name: null, port: null }, { port: 70_000 }] })?.ports, [
    { name: "", protocol: "TCP", port: undefined },
  ]);
});

test("equal labels of two pods are one object in memory", () => {
  const intern = new Interner();
  const labelled = { metadata: { ...metadata, labels: { app: "web", tier: "front" } } };
  const [a, b] = [podOf(labelled, intern), podOf(structuredClone(labelled), intern)];
  assert.ok(a);
  assert.equal(a.labels, b?.labels);
});

test("a label called __proto__ is a label", () => {
  const object: unknown = JSON.parse(
    `{"metadata":{"name":"a","uid":"b","resourceVersion":"1","labels":{"__proto__":"x"}}}`,
  );
  assert.deepEqual(Object.entries(podOf(object, new Interner())?.labels ?? {}), [["__proto__", "x"]]);
});

/** JSON that often has the right names in the right places, with anything at all as values. */
const hostile = (): fc.Arbitrary<unknown> => {
  const anything = fc.jsonValue({ maxDepth: 3 });
  const maybe = (shape: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 4, arbitrary: shape }, { weight: 1, arbitrary: anything });
  const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
    maybe(fc.record(fields, { requiredKeys: [] }));
  const name = maybe(fc.constant("x"));
  const address = maybe(fc.oneof(fc.ipV4(), fc.ipV6()));
  const port = some({
    name: maybe(fc.string()),
    port: maybe(fc.integer()),
    protocol: maybe(fc.constant("UDP")),
  });
  const addressed = some({ type: maybe(fc.constant("InternalIP")), ip: address, address });
  const many = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    maybe(fc.array(item, { maxLength: 3 }));
  return some({
    metadata: some({
      name,
      uid: name,
      resourceVersion: name,
      labels: maybe(fc.dictionary(fc.string(), maybe(fc.string()))),
      annotations: maybe(fc.dictionary(fc.string(), maybe(fc.string()))),
      deletionTimestamp: name,
    }),
    spec: some({
      clusterIPs: many(address),
      ports: many(port),
      sessionAffinity: maybe(fc.constant("ClientIP")),
      sessionAffinityConfig: some({ clientIP: some({ timeoutSeconds: maybe(fc.integer()) }) }),
    }),
    status: some({ addresses: many(addressed), podIPs: many(addressed), conditions: many(anything) }),
    addressType: maybe(fc.constantFrom("IPv4", "IPv6", "FQDN")),
    endpoints: many(some({ addresses: many(address), conditions: anything, nodeName: name })),
    ports: many(port),
  });
};

test("whatever JSON arrives, a projection is refused or sound, and indexes can file it", () => {
  fc.assert(
    fc.property(hostile(), (object) => {
      for (const kind of Object.values(kinds)) {
        const projected: KubeObject | undefined = kind.project(object, new Interner());
        if (!projected) continue;
        assert.ok(Object.isFrozen(projected));
        assert.ok([projected.name, projected.uid, projected.resourceVersion].every((text) => text !== ""));
        assert.ok(Object.values(projected.labels).every((label) => typeof label === "string"));
        for (const address of addressesOf(projected)) assert.ok(parseIp(address), address);
      }
      for (const file of Object.values(kinds.EndpointSlice.indexes)) {
        const projected = endpointSliceOf(object, new Interner());
        assert.ok(!projected || file(projected).every((key) => typeof key === "string"));
      }
    }),
    { numRuns: 500 },
  );
});

function addressesOf(object: KubeObject): readonly string[] {
  if (object.kind === "Node") return object.internalIps;
  if (object.kind === "Pod") return object.podIps;
  if (object.kind === "Service") return object.clusterIps;
  if (object.kind !== "EndpointSlice" || object.addressType === "FQDN") return [];
  return object.endpoints.flatMap((endpoint) => endpoint.addresses);
}
