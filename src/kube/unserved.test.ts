import assert from "node:assert/strict";
import { test } from "node:test";
import { Interner } from "./intern.ts";
import { serviceOf } from "./project.ts";
import { unservedIn } from "./unserved.ts";
import { unservedInUnderlay } from "./unservedInUnderlay.ts";

const cases = [
  ["Service", "a ClusterIP Service", { spec: { type: "ClusterIP", clusterIPs: ["10.96.0.1"] } }, []],
  ["Service", "a NodePort", { spec: { type: "NodePort", externalTrafficPolicy: "Local" } }, []],
  [
    "Service",
    "a balancer outside that needs no ports on nodes",
    { spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, externalIPs: ["192.0.2.1"] } },
    ["type LoadBalancer", "externalIPs"],
  ],
  [
    "Service",
    "a balancer outside that asks each node for endpoints of its own",
    { spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 31_000 } },
    ["type LoadBalancer", "healthCheckNodePort"],
  ],
  ["Service", "local traffic inside", { spec: { internalTrafficPolicy: "Local" } }, []],
  [
    "Pod",
    "a host port",
    { spec: { containers: [{}, { ports: [{ containerPort: 80, hostPort: 80 }] }] } },
    [],
  ],
  [
    "Pod",
    "annotations of other plugins",
    {
      metadata: {
        annotations: { "kubernetes.io/ingress-bandwidth": "1M", "k8s.v1.cni.cncf.io/networks": "other" },
      },
    },
    ["the bandwidth annotations", "more networks for a pod (k8s.v1.cni.cncf.io/networks)"],
  ],
  ["Pod", "what makes no sense", { spec: 7, metadata: [] }, []],
] as const;

for (const [kind, what, object, expected] of cases)
  test(`${kind}, ${what}: ${expected.join(", ") || "all of it is served"}`, () => {
    assert.deepEqual(unservedIn(kind, object), expected);
  });

test("in underlay mode a node port does not keep the client, and a machine's processes have no endpoints of their own", () => {
  const asked = (spec: object): readonly string[] => {
    const metadata = { namespace: "shop", name: "web", uid: "u", resourceVersion: "1" };
    const service = serviceOf({ metadata, spec }, new Interner());
    return service ? unservedInUnderlay(service) : assert.fail();
  };
  const ports = [{ port: 80, nodePort: 30_080 }];
  assert.deepEqual(asked({ type: "NodePort", ports }), []);
  assert.deepEqual(asked({ type: "NodePort", ports, externalTrafficPolicy: "Local" }), [
    "externalTrafficPolicy: Local in underlay mode: its ports lead nowhere",
  ]);
  assert.deepEqual(asked({ internalTrafficPolicy: "Local", ports: [{ port: 80 }] }), [
    "internalTrafficPolicy: Local for a machine's own processes in underlay mode",
  ]);
});
