// A small cluster as the API server has it: node `n2` with the subnet 10.242.0.0/24 and the address 172.30.0.12, and so on
// up to `n9`; pods and Services of the namespace shop; a NetworkPolicy that selects all pods.

import assert from "node:assert/strict";
import {
  chassisIdAnnotation,
  gatewayConfigAnnotation,
  nodeIdAnnotation,
  nodeSubnetsAnnotation,
  podNetworkAnnotation,
} from "../../src/kube/annotations.ts";
import { type Json, record } from "../../src/kube/json.ts";
import { parseCidr, parseInterfaceAddress, parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { annotations, controlPlaneLabel } from "../../src/model/names.ts";

export interface ApiObject {
  readonly plural: string;
  readonly object: Json;
}

export const present = <T>(value: T | undefined): T => {
  assert.ok(value !== undefined);
  return value;
};

/** The object with other annotations than it has. */
export function annotated(
  { plural, object }: ApiObject,
  values: Readonly<Record<string, string>>,
): ApiObject {
  const metadata = record(object.metadata);
  const all = { ...record(metadata.annotations), ...values };
  return { plural, object: { ...object, metadata: { ...metadata, annotations: all } } };
}

export const hostAddress = (id: number): string => `172.30.0.1${id}`;

/** With all that controller and agent write on it. It may have the API server. */
export const node = (id: number): ApiObject => ({
  plural: "nodes",
  object: {
    metadata: {
      name: `n${id}`,
      labels: { [controlPlaneLabel]: "" },
      annotations: {
        ...nodeIdAnnotation(id),
        ...nodeSubnetsAnnotation([present(parseCidr(`10.24${id}.0.0/24`))]),
        ...chassisIdAnnotation(`chassis-${id}`),
        ...gatewayConfigAnnotation(
          {
            mac: `02:00:00:00:00:1${id}`,
            addresses: [present(parseInterfaceAddress(`${hostAddress(id)}/24`))],
            nextHops: [present(parseIp("172.30.0.1"))],
            mtuBytes: 1500,
          },
          { bridge: "br-ex", uplink: "eth0" },
        ),
      },
    },
    status: { addresses: [{ type: "InternalIP", address: hostAddress(id) }] },
  },
});

/** On node `n<id>`, with the address at `offset` of its subnet. */
export function pod(name: string, id: number, offset: number): ApiObject {
  const address = present(parseInterfaceAddress(`10.24${id}.0.${offset}/24`));
  const written = podNetworkAnnotation({
    addresses: [address],
    mac: macOf(address.ip),
    gateways: [present(parseIp(`10.24${id}.0.1`))],
  });
  return {
    plural: "pods",
    object: {
      metadata: { namespace: "shop", name, labels: { app: "web" }, annotations: written },
      spec: { nodeName: `n${id}` },
      status: { phase: "Running" },
    },
  };
}

/** Service `s5` with the address 10.96.0.5, and so on. */
export const service = (number: number): ApiObject => ({
  plural: "services",
  object: {
    metadata: { namespace: "shop", name: `s${number}` },
    spec: {
      clusterIPs: [`10.96.0.${number}`],
      selector: { app: "web" },
      ports: [{ name: "http", port: 80 }],
    },
  },
});

export const slice = (number: number, addresses: readonly string[]): ApiObject => ({
  plural: "endpointslices",
  object: {
    metadata: {
      namespace: "shop",
      name: `s${number}-x`,
      labels: { "kubernetes.io/service-name": `s${number}` },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  },
});

export const range = (cidr: string): ApiObject => ({
  plural: "servicecidrs",
  object: { metadata: { name: "more" }, spec: { cidrs: [cidr] } },
});

export const shop: ApiObject = {
  plural: "namespaces",
  object: { metadata: { name: "shop", labels: { team: "sales" } } },
};

/** Selects all pods, and allows them to each other by the labels of pods and namespace. */
export const policy: ApiObject = {
  plural: "networkpolicies",
  object: {
    metadata: { namespace: "shop", name: "web" },
    spec: {
      podSelector: { matchLabels: { app: "web" } },
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { team: "sales" } },
              podSelector: { matchLabels: { app: "web" } },
            },
          ],
        },
      ],
    },
  },
};

/** Pods of the namespace shop may have it. They are closed to all others then. */
export const profile: ApiObject = {
  plural: "securityprofiles",
  object: {
    metadata: { name: "web" },
    spec: {
      namespaceSelector: { matchLabels: { team: "sales" } },
      ingress: [{ action: "Allow", from: { profiles: ["web"] } }],
    },
  },
};

/** The pod asks for that profile. */
export const profiled = (of: ApiObject): ApiObject =>
  annotated(of, { [annotations.securityProfiles]: "web" });

/** Of the whole cluster: it closes some pods of a team to another team. */
export const clusterPolicy: ApiObject = {
  plural: "clusternetworkpolicies",
  object: {
    metadata: { name: "teams" },
    spec: {
      tier: "Admin",
      priority: 10,
      subject: {
        pods: {
          namespaceSelector: { matchLabels: { team: "sales" } },
          podSelector: { matchLabels: { app: "web" } },
        },
      },
      ingress: [{ action: "Deny", from: [{ namespaces: { matchLabels: { team: "money" } } }] }],
    },
  },
};
