// A large cluster's objects as an API server would send them: nodes with chassis and gateway, pods spread over them,
// Services with three endpoints each. Complete, realistic in size, and computed, so that two runs are equal.

import type { KubeObject, ObjectMeta } from "../../sandbox/api/objects.ts";

export interface Scale {
  readonly nodes: number;
  readonly pods: number;
  readonly services: number;
  /** 20 unless it is given. */
  readonly namespaces?: number;
  readonly policies?: number;
}

const created = "2026-01-01T00:00:00Z";
const uid = (kind: number, index: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
const meta = (kind: number, index: number, name: string, namespace?: string): ObjectMeta => ({
  name,
  resourceVersion: "0",
  ...(namespace !== undefined && { namespace }),
  uid: uid(kind, index),
  creationTimestamp: created,
});
/** The `index`th pod's, Service's or policy's. */
export const namespaceOf = ({ namespaces: count = 20 }: Scale, index: number): string =>
  `team-${index % count}`;

export const namespaces = ({ namespaces: count = 20 }: Scale): KubeObject[] =>
  Array.from({ length: count }, (_, i) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...meta(1, i, `team-${i}`), labels: { tier: `tier-${i % 10}` } },
    status: { phase: "Active" },
  }));

export const nodes = ({ nodes: count }: Scale): KubeObject[] =>
  Array.from({ length: count }, (_, i) => {
    const address = `172.${16 + (i >> 8)}.${i & 255}.10`;
    const gateway = {
      mode: "shared",
      "bridge-id": "br-ex",
      "interface-id": "eth0",
      "mac-address": `02:00:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`,
      "ip-addresses": [`${address}/24`],
      "next-hops": [`172.${16 + (i >> 8)}.${i & 255}.1`],
      mtu: 1500,
    };
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        ...meta(2, i, `node-${i}`),
        labels: { "kubernetes.io/hostname": `node-${i}` },
        annotations: {
          "k8s.ovn.org/node-chassis-id": uid(9, i),
          "k8s.ovn.org/l3-gateway-config": JSON.stringify({ default: gateway }),
        },
      },
      spec: {},
      status: {
        addresses: [{ type: "InternalIP", address }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    };
  });

export const pods = (scale: Scale): KubeObject[] =>
  Array.from({ length: scale.pods }, (_, i) => podObject(scale, i));

/** As large as real pods: with managed fields, volumes and a status. */
function podObject(scale: Scale, i: number): KubeObject {
  const name = `web-${i}`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...meta(3, i, name, namespaceOf(scale, i)),
      labels: { app: `web-${i % scale.services}`, "pod-template-hash": "5d4f8c7b9d" },
      managedFields: [
        {
          manager: "kube-controller-manager",
          operation: "Update",
          apiVersion: "v1",
          time: created,
          fieldsType: "FieldsV1",
          fieldsV1: { "f:metadata": { "f:labels": { ".": {}, "f:app": {}, "f:pod-template-hash": {} } } },
        },
      ],
    },
    spec: {
      nodeName: `node-${i % scale.nodes}`,
      serviceAccountName: "default",
      tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" }],
      volumes: [{ name: "kube-api-access", projected: { defaultMode: 420 } }],
      containers: [
        {
          name: "web",
          image: "registry.example/web:1.27.3",
          ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
          env: [{ name: "MODE", value: "production" }],
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
          volumeMounts: [
            { name: "kube-api-access", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
          ],
        },
      ],
    },
    status: {
      phase: "Running",
      startTime: created,
      conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({
        type,
        status: "True",
        lastTransitionTime: created,
      })),
      containerStatuses: [
        { name: "web", ready: true, restartCount: 0, state: { running: { startedAt: created } } },
      ],
    },
  };
}

/** ClusterIPs in 10.96.0.0/16, starting at .1.1. */
const clusterIp = (i: number): string => `10.96.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`;

export const services = (scale: Scale): KubeObject[] =>
  Array.from({ length: scale.services }, (_, i) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: meta(4, i, `web-${i}`, namespaceOf(scale, i)),
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIp(i),
      clusterIPs: [clusterIp(i)],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      selector: { app: `web-${i}` },
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "http" }],
    },
    status: { loadBalancer: {} },
  }));

export const endpointSlices = (scale: Scale): KubeObject[] =>
  Array.from({ length: scale.services }, (_, i) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      ...meta(5, i, `web-${i}-abcde`, namespaceOf(scale, i)),
      labels: { "kubernetes.io/service-name": `web-${i}` },
    },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: [3, 4, 5].map((last) => ({
      addresses: [`10.244.${i % 250}.${last}`],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${i % scale.nodes}`,
    })),
  }));

/**
 * Each selects the pods of one Service, and allows those of another, those of a tenth of all namespaces, those that are
 * called friends, and a block of addresses, on ports by number and range. What it may send to is a block with an exception.
 */
export const policies = (scale: Scale): KubeObject[] =>
  Array.from({ length: scale.policies ?? 0 }, (_, i) => {
    const app = (index: number) => ({
      podSelector: { matchLabels: { app: `web-${index % scale.services}` } },
    });
    return {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: meta(6, i, `web-${i}`, namespaceOf(scale, i)),
      spec: {
        ...app(i),
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          {
            from: [
              app(i + (scale.namespaces ?? 20)),
              { namespaceSelector: { matchLabels: { tier: `tier-${i % 10}` } } },
              { podSelector: { matchLabels: { role: "friend" } } },
            ],
            ports: [{ protocol: "TCP", port: 8080 }],
          },
          {
            from: [{ ipBlock: { cidr: "192.0.2.0/24" } }],
            ports: [{ protocol: "TCP", port: 9000, endPort: 9100 }],
          },
        ],
        egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.99.0.0/16"] } }] }],
      },
    };
  });
