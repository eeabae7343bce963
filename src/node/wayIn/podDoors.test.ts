import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, Service } from "../../kube/objects.ts";
import type { HostPort } from "../../model/hostPort.ts";
import { formatIp, parseCidr, parseIp } from "../../model/ip.ts";
import { podDoorsOf } from "./podDoors.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const meta = {
  ...{ namespace: "shop", uid: "u", resourceVersion: "1" },
  ...{ labels: {}, annotations: {}, deletionTimestamp: undefined },
};
const aPod = (change: Partial<Pod> & { readonly hostPorts: readonly HostPort[] }): Pod => ({
  ...meta,
  ...{ kind: "Pod", name: "web", nodeName: "n1", hostNetwork: false, phase: "Running" },
  podIps: ["10.244.0.5", "fd00:10:244::5"],
  ...change,
});
const web: HostPort = { protocol: "TCP", hostPort: 8080, port: 80 };
const place = {
  hosts: ["172.30.0.11", "192.0.2.9", "fd00:172:30::11"].map(ip),
  subnets: ["10.244.0.0/24", "fd00:10:244::/64"].flatMap((text) => parseCidr(text) ?? []),
  hasGateway: true,
};
const lines = (pods: readonly Pod[], services: readonly Service[] = [], where = place): readonly string[] =>
  podDoorsOf(pods, services, where).map(
    ({ protocol, at, port, to, toPort, keepsClient, isForOwn }) =>
      `${protocol} ${at ? formatIp(at) : "*"} ${port} ▶ ${formatIp(to)} ${toPort}${keepsClient ? ", as the client" : ""}${isForOwn ? ", from inside" : ""}`,
  );

test("a host port is open at all addresses of the node, and on 127.0.0.1 and ::1 for the node's own processes", () => {
  const expected = [
    "tcp * 8080 ▶ 10.244.0.5 80, as the client",
    "tcp 127.0.0.1 8080 ▶ 10.244.0.5 80, from inside",
    "tcp * 8080 ▶ fd00:10:244::5 80, as the client",
    "tcp ::1 8080 ▶ fd00:10:244::5 80, from inside",
  ];
  assert.deepEqual(lines([aPod({ hostPorts: [web] })]), expected);
  assert.deepEqual(
    lines([aPod({ hostPorts: [web] })], [], { ...place, hasGateway: false }),
    expected.map((line) => line.replace(", as the client", "")),
  );
});

const addresses: readonly (readonly [string, readonly string[]])[] = [
  [
    "0.0.0.0",
    ["tcp * 8080 ▶ 10.244.0.5 80, as the client", "tcp 127.0.0.1 8080 ▶ 10.244.0.5 80, from inside"],
  ],
  ["::", ["tcp * 8080 ▶ fd00:10:244::5 80, as the client", "tcp ::1 8080 ▶ fd00:10:244::5 80, from inside"]],
  ["192.0.2.9", ["tcp 192.0.2.9 8080 ▶ 10.244.0.5 80, as the client"]],
  ["127.0.0.1", ["tcp 127.0.0.1 8080 ▶ 10.244.0.5 80, from inside"]],
  ["::1", ["tcp ::1 8080 ▶ fd00:10:244::5 80, from inside"]],
  ["203.0.113.7", []],
];
for (const [hostIp, expected] of addresses)
  test(`with hostIP ${hostIp} it is open ${expected.length > 0 ? "there" : "nowhere"}`, () => {
    assert.deepEqual(lines([aPod({ hostPorts: [{ ...web, hostIp: ip(hostIp) }] })]), expected);
  });

test("nothing leads to an address that no pod of the node can have, or to a pod that has ended", () => {
  assert.deepEqual(lines([aPod({ hostPorts: [web], podIps: ["10.244.1.5", "172.30.0.12"] })]), []);
  for (const phase of ["Succeeded", "Failed"] as const)
    assert.deepEqual(lines([aPod({ hostPorts: [web], phase })]), []);
});

test("a node port is its Service's, and what two pods ask for is the first one's", () => {
  const service: Service = {
    ...{ ...meta, kind: "Service", name: "any", type: "NodePort", clusterIps: [], hasSelector: true },
    ...{ affinitySeconds: 0, publishNotReadyAddresses: false },
    ports: [{ name: "", protocol: "TCP", port: 80, nodePort: 8080 }],
  };
  const udp: HostPort = { protocol: "UDP", hostPort: 8080, port: 53, hostIp: ip("192.0.2.9") };
  const pods = [
    aPod({
      name: "b",
      hostPorts: [
        { ...udp, port: 54 },
        { ...udp, hostIp: ip("172.30.0.11") },
      ],
    }),
    aPod({ name: "a", hostPorts: [web, udp], podIps: ["10.244.0.4"] }),
  ];
  assert.deepEqual(lines(pods, [service]), [
    "udp 172.30.0.11 8080 ▶ 10.244.0.5 53, as the client",
    "udp 192.0.2.9 8080 ▶ 10.244.0.4 53, as the client",
  ]);
});
