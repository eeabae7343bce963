import assert from "node:assert/strict";
import { test } from "node:test";
import { unservedIn } from "./unserved.ts";

const cases = [
  ["Service", "a ClusterIP Service", { spec: { type: "ClusterIP", clusterIPs: ["10.96.0.1"] } }, []],
  ["Service", "a NodePort", { spec: { type: "NodePort" } }, ["ports on the nodes (type NodePort)"]],
  [
    "Service",
    "a balancer outside that needs no ports on nodes",
    { spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, externalIPs: ["192.0.2.1"] } },
    ["type LoadBalancer", "externalIPs"],
  ],
  [
    "Service",
    "local traffic",
    { spec: { internalTrafficPolicy: "Local", externalTrafficPolicy: "Cluster" } },
    ["internalTrafficPolicy: Local"],
  ],
  ["Pod", "a port without a host port", { spec: { containers: [{ ports: [{ containerPort: 80 }] }] } }, []],
  [
    "Pod",
    "a host port",
    { spec: { containers: [{}, { ports: [{ containerPort: 80, hostPort: 80 }] }] } },
    ["hostPort"],
  ],
  [
    "Pod",
    "a host port in the host's own network, where it is the port itself",
    { spec: { hostNetwork: true, containers: [{ ports: [{ containerPort: 80, hostPort: 80 }] }] } },
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
