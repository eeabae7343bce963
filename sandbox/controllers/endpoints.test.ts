import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, Service } from "../client/objects.ts";
import { endpointGroups, isManaged } from "./endpoints.ts";

const service = (spec: Service["spec"] = {}): Service => ({
  metadata: { name: "web", namespace: "shop", uid: "s" },
  spec: {
    selector: { app: "web" },
    ipFamilies: ["IPv4"],
    ports: [{ name: "http", port: 80, targetPort: "http" }],
    ...spec,
  },
});

interface PodTraits {
  readonly ips?: readonly string[];
  readonly ready?: boolean;
  readonly leaving?: boolean;
  readonly http?: number;
  readonly phase?: NonNullable<Pod["status"]>["phase"];
  readonly app?: string;
}

const pod = (name: string, traits: PodTraits = {}): Pod => ({
  metadata: {
    name,
    namespace: "shop",
    uid: name,
    labels: { app: traits.app ?? "web" },
    ...(traits.leaving ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  },
  spec: {
    nodeName: "n1",
    containers: [{ name: "main", ports: [{ name: "http", containerPort: traits.http ?? 8080 }] }],
  },
  status: {
    phase: traits.phase ?? "Running",
    podIPs: (traits.ips ?? ["10.0.0.1"]).map((ip) => ({ ip })),
    conditions: [{ type: "Ready", status: (traits.ready ?? true) ? "True" : "False" }],
  },
});

const conditionsOf = (pods: readonly Pod[], spec: Service["spec"] = {}) =>
  endpointGroups(service(spec), pods).flatMap(({ endpoints }) =>
    endpoints.map(({ conditions }) => conditions),
  );

test("pods that map one port name to different numbers are in groups of their own", () => {
  const groups = endpointGroups(service(), [pod("a"), pod("b", { http: 9090 }), pod("c")]);
  assert.deepEqual(
    groups.map(({ ports, endpoints }) => [ports[0]?.port, endpoints.map(({ targetRef }) => targetRef?.name)]),
    [
      [8080, ["a", "c"]],
      [9090, ["b"]],
    ],
  );
});

test("a port name that the pod does not have is left out of its ports", () => {
  const ports = [
    { name: "http", port: 80, targetPort: "http" },
    { name: "metrics", port: 90, targetPort: "metrics" },
  ];
  const [group] = endpointGroups(service({ ports }), [pod("a")]);
  assert.deepEqual(group?.ports, [{ name: "http", protocol: "TCP", port: 8080 }]);
});

test("each family has its groups, with the addresses of that family alone", () => {
  const dual = pod("a", { ips: ["10.0.0.1", "fd00::1"] });
  const groups = endpointGroups(service({ ipFamilies: ["IPv6", "IPv4"] }), [dual]);
  assert.deepEqual(
    groups.map(({ family, endpoints }) => [family, endpoints[0]?.addresses]),
    [
      ["IPv6", ["fd00::1"]],
      ["IPv4", ["10.0.0.1"]],
    ],
  );
});

test("a family without endpoints has one empty group without ports", () => {
  assert.deepEqual(endpointGroups(service({ ipFamilies: ["IPv6"] }), [pod("a")]), [
    { family: "IPv6", ports: [], endpoints: [] },
  ]);
});

test("an endpoint is ready when it serves and stays, unless the Service publishes those that are not", () => {
  const pods = [pod("a"), pod("b", { ready: false }), pod("c", { leaving: true })];
  assert.deepEqual(conditionsOf(pods), [
    { ready: true, serving: true, terminating: false },
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: true, terminating: true },
  ]);
  const published = conditionsOf(pods, { publishNotReadyAddresses: true });
  assert.deepEqual(
    published.map((conditions) => conditions?.ready),
    [true, true, true],
  );
});

test("pods of other labels, without an address, or at their end are no endpoints", () => {
  const others = [pod("a", { app: "db" }), pod("b", { ips: [] }), pod("c", { phase: "Failed" })];
  assert.deepEqual(endpointGroups(service(), others), [{ family: "IPv4", ports: [], endpoints: [] }]);
});

test("a headless Service that names no family takes both", () => {
  const spec = { clusterIP: "None", ipFamilies: [], ports: [] };
  const groups = endpointGroups(service(spec), [pod("a", { ips: ["10.0.0.1", "fd00::1"] })]);
  assert.deepEqual(
    groups.map(({ family }) => family),
    ["IPv4", "IPv6"],
  );
});

test("Services without a selector and ExternalName Services are somebody else's", () => {
  assert.equal(isManaged(service()), true);
  assert.equal(isManaged(service({ selector: {} })), false);
  assert.equal(isManaged(service({ type: "ExternalName" })), false);
});
