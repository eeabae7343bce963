// Objects for the tests in this folder, as `kubectl apply` takes them.

import type { Pod, PodSpec, Service } from "../../sandbox/client/objects.ts";

export interface PodChoices {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** TCP and UDP ports of the echo server, by name. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Runs instead of the echo server. */
  readonly command?: readonly string[];
  readonly spec?: Partial<PodSpec>;
  readonly readiness?: readonly string[];
}

export const namespace = (name: string): object => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name },
});

export function pod(choices: PodChoices): Pod {
  const { node, ports = { web: 8080 }, command, spec, readiness, labels, annotations } = choices;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace: choices.namespace,
      name: choices.name,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "main",
          image: "echo",
          ...(command ? { command } : {}),
          ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort })),
          ...(readiness
            ? { readinessProbe: { exec: { command: readiness }, periodSeconds: 1, failureThreshold: 1 } }
            : {}),
        },
      ],
      ...spec,
    },
  };
}

export interface ServiceChoices {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: Service["spec"] & object;
}

/** Dual stack unless `spec` says otherwise. */
export const service = ({ namespace, name, labels, spec }: ServiceChoices): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace, name, ...(labels && { labels }) },
  spec: { ipFamilyPolicy: "PreferDualStack", ...spec },
});

export interface SliceChoices {
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
  readonly addresses: readonly string[];
  readonly ports: readonly object[];
}

export const slice = ({ namespace, name, service, addresses, ports }: SliceChoices): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace, name, labels: { "kubernetes.io/service-name": service } },
  addressType: addresses[0]?.includes(":") ? "IPv6" : "IPv4",
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports,
});
