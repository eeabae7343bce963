import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Service } from "../kube/objects.ts";
import { formatIp } from "../model/ip.ts";
import { serviceLimits } from "../model/limits.ts";
import { balanced } from "./endpoints.ts";

const meta = { namespace: "shop", uid: "u", resourceVersion: "1", labels: {}, annotations: {} };
const portsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    name: `p${from + index}`,
    protocol: "TCP" as const,
    port: from + index + 1,
  }));

const aService = (ports: number, clusterIps = ["10.96.0.10"]): Service => ({
  ...meta,
  kind: "Service",
  name: "web",
  deletionTimestamp: undefined,
  type: "ClusterIP",
  clusterIps,
  ports: portsOf(ports),
  affinitySeconds: 0,
  hasSelector: true,
  publishNotReadyAddresses: false,
});

/** Slice `index` with the endpoints 10.`index`.0.0 and on. */
const aSlice = (index: number, endpoints: number, ports = portsOf(1)): EndpointSlice => ({
  ...meta,
  kind: "EndpointSlice",
  name: `web-${String(index).padStart(3, "0")}`,
  deletionTimestamp: undefined,
  serviceName: "web",
  addressType: "IPv4",
  endpoints: Array.from({ length: endpoints }, (_, at) => ({
    addresses: [`10.${index}.${at >> 8}.${at & 255}`],
    ready: true,
    serving: true,
    terminating: false,
    nodeName: "n1",
  })),
  ports,
});
const slices = (count: number, endpoints: number, ports?: ReturnType<typeof portsOf>) =>
  Array.from({ length: count }, (_, index) => aSlice(index, endpoints, ports));

/** The addresses that the first virtual address leads to. */
const chosen = (service: Service, from: readonly EndpointSlice[]): ReadonlySet<string> =>
  new Set(balanced(service, from).vips[0]?.targets.map(({ ip }) => formatIp(ip)));
const differing = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => a.symmetricDifference(b).size;

test("a Service within its limits gets all its endpoints, and nobody is told anything", () => {
  const { vips, leftOut } = balanced(aService(5), slices(6, 100, portsOf(5)));
  assert.deepEqual(
    vips.map(({ targets }) => targets.length),
    [600, 600, 600, 600, 600],
  );
  assert.equal(leftOut, undefined);
});

test("one virtual address gets a limited number of endpoints, as many from each slice", () => {
  const most = serviceLimits.backendsOfAddress;
  const [vip] = balanced(aService(1), slices(20, 1000)).vips;
  const bySlice = Object.groupBy(vip?.targets ?? [], ({ ip }) => formatIp(ip).split(".")[1] ?? "");
  assert.deepEqual(new Set(Object.values(bySlice).map((list) => list?.length)), new Set([most / 20]));
});

test("all virtual addresses of a Service together get a limited number of endpoints, however large the product", () => {
  const ports = portsOf(2000);
  const ofPorts = slices(20, 1000).map((slice, index) => ({
    ...slice,
    ports: ports.slice(index * 100, index * 100 + 100),
  }));
  const { vips, leftOut } = balanced(aService(2000), ofPorts);
  assert.equal(vips.length, serviceLimits.ports);
  assert.equal(
    vips.reduce((sum, { targets }) => sum + targets.length, 0),
    serviceLimits.backends,
  );
  assert.equal(
    leftOut,
    "left out are ports beyond the first 1000 (it has 2000); endpoints beyond 5 for each of its 1000 pairs of address and port (one has 1000), because a Service has at most 5000 over all pairs and 600 for one",
  );
});

test("a Service is told of session affinity that OVN cannot keep, and of endpoints that can be none", () => {
  const asked = { ...aService(1), affinitySeconds: 86_400 };
  const { leftOut, malformed } = balanced(asked, [{ ...aSlice(0, 1), special: ["0.0.0.0"] }]);
  assert.equal(leftOut, "left out are seconds of session affinity beyond the first 65535 (it has 86400)");
  assert.equal(
    malformed,
    "EndpointSlice web-000 has the address 0.0.0.0, which no endpoint can have; it is left out",
  );
});

test("EndpointSlices beyond the limit are not read, and the Service is told how many it has", () => {
  const many = slices(serviceLimits.slices + 30, 1);
  assert.equal(chosen(aService(1), many).size, serviceLimits.slices);
  assert.match(
    balanced(aService(1), many).leftOut ?? "",
    /EndpointSlices of IPv4 beyond the first 100 \(it has 130\)/,
  );
});

test("slices full of the same endpoints give each endpoint once", () => {
  const same = slices(20, 1).map((slice) => ({ ...slice, endpoints: aSlice(0, 60).endpoints }));
  assert.equal(chosen(aService(1), same).size, 60);
});

test("which endpoints are left out does not depend on order, and changes little when endpoints come and go", () => {
  const service = aService(1);
  const before = slices(20, 500);
  const choice = chosen(service, before);
  assert.equal(differing(choice, chosen(service, before.toReversed())), 0);
  const [first] = [...choice];
  const without = before.map((slice) => ({
    ...slice,
    endpoints: slice.endpoints.filter(({ addresses }) => addresses[0] !== first),
  }));
  assert.equal(differing(choice, chosen(service, without)), 2);
  const unready = before.map((slice) => ({
    ...slice,
    endpoints: slice.endpoints.map((one) => (one.addresses[0] === first ? { ...one, ready: false } : one)),
  }));
  assert.equal(differing(choice, chosen(service, unready)), 2);
});
