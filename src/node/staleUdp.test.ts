import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointSlice, Service } from "../kube/objects.ts";
import { udpWays } from "./staleUdp.ts";

const meta = {
  namespace: "shop",
  name: "dns",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
};

const service: Service = {
  ...meta,
  kind: "Service",
  type: "ClusterIP",
  clusterIps: ["10.96.0.10", "fd00:10:96::a"],
  ports: [
    { name: "dns", protocol: "UDP", port: 53 },
    { name: "dns-tcp", protocol: "TCP", port: 53 },
  ],
  affinitySeconds: 0,
  publishNotReadyAddresses: false,
};

const slice = (endpoints: readonly Partial<Endpoint>[]): EndpointSlice => ({
  ...meta,
  kind: "EndpointSlice",
  serviceName: "dns",
  addressType: "IPv4",
  endpoints: endpoints.map((endpoint) => ({
    addresses: ["10.244.0.5"],
    ready: true,
    serving: true,
    terminating: false,
    nodeName: "n1",
    ...endpoint,
  })),
  ports: [
    { name: "dns", protocol: "UDP", port: 5353 },
    { name: "dns-tcp", protocol: "TCP", port: 5353 },
  ],
});

const texts = (of: Service | undefined, endpoints: readonly Partial<Endpoint>[]): readonly string[] => [
  ...udpWays(of, [slice(endpoints)]).keys(),
];

test("UDP ports lead from each virtual address to the endpoints of its family", () => {
  assert.deepEqual(texts(service, [{}, { addresses: ["10.244.1.5"] }]), [
    "ct_nw_dst=10.96.0.10,ct_nw_proto=17,ct_tp_dst=53 ct_nw_src=10.244.0.5,ct_nw_proto=17,ct_tp_src=5353",
    "ct_nw_dst=10.96.0.10,ct_nw_proto=17,ct_tp_dst=53 ct_nw_src=10.244.1.5,ct_nw_proto=17,ct_tp_src=5353",
  ]);
  assert.match(texts(service, [{ addresses: ["fd00::5"] }])[0] ?? "", /^ct_ipv6_dst=fd00:10:96::a,/);
});

test("an endpoint that no longer serves is no way, nor is anything of a Service that is gone", () => {
  assert.deepEqual(texts(service, [{ ready: false, serving: false }]), []);
  assert.equal(texts(service, [{ ready: false, serving: true, terminating: true }]).length, 1);
  assert.deepEqual(texts(undefined, [{}]), []);
});

test("a Service that publishes what is not ready counts it", () => {
  const published = { ...service, publishNotReadyAddresses: true };
  assert.equal(texts(published, [{ ready: false, serving: false }]).length, 1);
});
