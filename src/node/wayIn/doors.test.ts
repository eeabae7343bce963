import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../../kube/objects.ts";
import { formatIp } from "../../model/ip.ts";
import { doorsOf } from "./doors.ts";

const aService = (change: Partial<Service> = {}): Service => ({
  ...{ kind: "Service", namespace: "shop", name: "web", uid: "u", resourceVersion: "1" },
  ...{ labels: {}, annotations: {}, deletionTimestamp: undefined },
  ...{ type: "NodePort", clusterIps: ["10.96.0.10", "fd00:10:96::10"], hasSelector: true },
  ...{ affinitySeconds: 0, publishNotReadyAddresses: false },
  ports: [{ name: "http", protocol: "TCP", port: 80, nodePort: 30_080 }],
  ...change,
});
const lines = (...services: readonly Service[]): readonly string[] =>
  doorsOf(services).map(
    ({ protocol, port, to, toPort, keepsClient }) =>
      `${protocol} ${port} ▶ ${formatIp(to)} ${toPort}${keepsClient ? ", as the client" : ""}`,
  );

test("a node port leads to the Service's address of each family", () => {
  assert.deepEqual(lines(aService()), ["tcp 30080 ▶ 10.96.0.10 80", "tcp 30080 ▶ fd00:10:96::10 80"]);
});

test("where the policies differ it leads to an address of the way in, under its own number", () => {
  assert.deepEqual(lines(aService({ externalTrafficPolicy: "Local" })), [
    "tcp 30080 ▶ 169.254.0.7 30080, as the client",
    "tcp 30080 ▶ fd69::7 30080, as the client",
  ]);
  assert.deepEqual(lines(aService({ internalTrafficPolicy: "Local" })), [
    "tcp 30080 ▶ 169.254.0.6 30080",
    "tcp 30080 ▶ fd69::6 30080",
  ]);
});

test("one number may be another Service's for each protocol; two Services never have the same", () => {
  const port = { name: "", port: 53, nodePort: 30_080 };
  const dns = (name: string, clusterIp: string) =>
    aService({
      name,
      clusterIps: [clusterIp],
      ports: [
        { ...port, protocol: "UDP" },
        { ...port, protocol: "SCTP" },
      ],
    });
  assert.deepEqual(
    lines(dns("b", "10.96.0.12"), aService({ clusterIps: ["10.96.0.10"] }), dns("a", "10.96.0.11")),
    ["sctp 30080 ▶ 10.96.0.11 53", "tcp 30080 ▶ 10.96.0.10 80", "udp 30080 ▶ 10.96.0.11 53"],
  );
});

test("a Service of another proxy, one without an address and one without node ports have none", () => {
  const proxied = { "service.kubernetes.io/service-proxy-name": "other" };
  const plain = [{ name: "", protocol: "TCP", port: 80 } as const];
  assert.deepEqual(
    lines(aService({ labels: proxied }), aService({ clusterIps: [] }), aService({ ports: plain })),
    [],
  );
});
