// A healthy cluster of one node and one pod, as the three sources tell it, and what differs from that.

import assert from "node:assert/strict";
import type { Node, Pod } from "../../kube/objects.ts";
import { annotations, namesOf } from "../../model/names.ts";
import type { KubernetesView, Snapshot } from "./snapshot.ts";

const meta = { namespace: "", uid: "u", resourceVersion: "1", labels: {}, deletionTimestamp: undefined };
export const node: Node = {
  ...meta,
  kind: "Node",
  name: "n1",
  internalIps: ["172.30.0.11"],
  networkUnavailable: false,
  allocatable: { pods: 110, cpus: 4, memoryBytes: 8 * 2 ** 30 },
  annotations: {
    [annotations.nodeSubnets]: '{"default":["10.244.0.0/24"]}',
    [annotations.nodeChassisId]: "c1",
  },
};
export const pod: Pod = {
  ...meta,
  kind: "Pod",
  namespace: "shop",
  name: "web",
  nodeName: "n1",
  hostNetwork: false,
  phase: "Running",
  podIps: ["10.244.0.5"],
  annotations: { [annotations.podNetworks]: "{}" },
};
export const port = namesOf("demo").podPort("shop", "web");

export function snapshot(
  change: Partial<Snapshot> = {},
  changedPod: Partial<Pod> = {},
  changedNode: Partial<Node> = {},
): Snapshot {
  return {
    cluster: "demo",
    leaseNamespace: "kube-system",
    kubernetes: {
      nodes: [{ ...node, ...changedNode }],
      pods: [{ ...pod, ...changedPod }],
      serviceCount: 1,
      policyCount: 1,
      unserved: [],
      leader: { holder: "n1_17", silent: false, heldDeletions: "", troubles: new Map() },
      refused: [],
    },
    northbound: {
      clusters: new Set(["demo"]),
      ports: new Set([port]),
      foreignPorts: new Set<string>(),
      nbCfg: 1,
      sbCfg: 1,
      hvCfg: 1,
    },
    southbound: {
      chassis: new Map([["c1", 1]]),
      expected: 1,
      bindings: new Map([[port, { bound: true, up: true }]]),
    },
    ...change,
  };
}

export function kubernetesOf({ kubernetes }: Snapshot): KubernetesView {
  assert.ok(!("unreachable" in kubernetes));
  return kubernetes;
}

export const bindings = (bound: boolean, up: boolean): Partial<Snapshot> => ({
  southbound: { chassis: new Map([["c1", 1]]), expected: 1, bindings: new Map([[port, { bound, up }]]) },
});

/** The cluster of `snapshot` with this said of Kubernetes. */
export function kubernetes(change: Partial<KubernetesView>, more: Partial<Snapshot> = {}): Snapshot {
  const base = snapshot(more);
  assert.ok("nodes" in base.kubernetes);
  return { ...base, kubernetes: { ...base.kubernetes, ...change } };
}

export const pooledNode: Partial<Node> = {
  annotations: {
    [annotations.nodeSubnets]: '{"default":["10.244.0.0/24"]}',
    [annotations.pool]:
      '{"line":"1","from":0,"generation":1,"asked":1,"open":[[5,1],[6,2]],"closed":[],"withdrawn":[]}',
  },
};
