// What every cluster has from the start: the system namespaces, and the Services through which pods reach this server
// and the cluster's DNS, with EndpointSlices that point to them. `kubectl delete all --all` deletes the Services, so
// they are made again whenever they are gone.

import { addressAt, type Cidr, formatIp, parseIp } from "../../src/model/ip.ts";
import type { Cluster } from "./cluster.ts";
import { type JsonObject, textAt } from "./json.ts";
import { customResourceDefinitions } from "./kinds/customresourcedefinition.ts";
import { endpointSlices } from "./kinds/endpointslice.ts";
import type { Kind } from "./kinds/kind.ts";
import { namespaces } from "./kinds/namespace.ts";
import { services } from "./kinds/service.ts";
import { keyOf } from "./store/shelf.ts";
import { create } from "./verbs/create.ts";

const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** A Service of the cluster itself, backed by processes on nodes. */
export interface SystemService {
  readonly namespace: string;
  readonly name: string;
  readonly labels: JsonObject;
  /** Its address's number within each Service network. */
  readonly place: bigint;
  readonly families: "one" | "all";
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: "TCP" | "UDP";
    readonly port: number;
    readonly targetPort: number;
  }[];
  /** Where it is served. Those of the Service's families become endpoints. */
  readonly addresses: readonly string[];
}

export const apiService = (addresses: readonly string[], port: number): SystemService => ({
  namespace: "default",
  name: "kubernetes",
  labels: { component: "apiserver", provider: "kubernetes" },
  place: 1n,
  families: "one",
  ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: port }],
  addresses,
});

/** Runners point pods to it (`--cluster-dns`), as on most clusters. */
export const dnsService = (addresses: readonly string[]): SystemService => ({
  namespace: "kube-system",
  name: "kube-dns",
  labels: { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" },
  place: 10n,
  families: "all",
  ports: [
    { name: "dns", protocol: "UDP", port: 53, targetPort: 53 },
    { name: "dns-tcp", protocol: "TCP", port: 53, targetPort: 53 },
  ],
  addresses,
});

/** Makes whatever is missing, Services also later. Returns a function that ends this. */
export function keepSystemObjects(
  cluster: Cluster,
  system: readonly SystemService[],
  definitions: readonly JsonObject[],
): () => void {
  for (const definition of definitions)
    if (!cluster.store.get(customResourceDefinitions, "", textAt(definition, "metadata", "name")))
      make(cluster, customResourceDefinitions, "", definition);
  for (const namespace of systemNamespaces)
    if (!cluster.store.get(namespaces, "", namespace))
      make(cluster, namespaces, "", { metadata: { name: namespace } });
  for (const service of system) makeService(cluster, service);
  return cluster.store.subscribe(({ type, entry, kind }) => {
    if (type !== "DELETED" || (kind !== services && kind !== endpointSlices)) return;
    for (const service of system)
      if (entry.key.startsWith(keyOf(service.namespace, service.name)))
        setImmediate(() => makeService(cluster, service));
  });
}

function make(cluster: Cluster, kind: Kind, namespace: string, body: JsonObject): void {
  create(cluster, kind, namespace, body, { dryRun: false, unknownFields: "Strict", warn: () => {} });
}

function makeService(cluster: Cluster, service: SystemService): void {
  const { namespace, name, labels, place, ports } = service;
  const cidrs = cluster.addresses.cidrs.slice(0, service.families === "all" ? undefined : 1);
  if (cidrs.length === 0) return;
  const clusterIPs = cidrs.map((cidr) => formatIp(addressAt(cidr, place)));
  if (!cluster.store.get(services, namespace, name))
    make(cluster, services, namespace, {
      metadata: { name, labels },
      spec: {
        clusterIPs,
        clusterIP: clusterIPs[0],
        ...(cidrs.length > 1 && { ipFamilyPolicy: "RequireDualStack" }),
        ports: ports.map((port) => ({ ...port })),
      },
    });
  for (const cidr of cidrs) makeSlice(cluster, service, cidr, cidr === cidrs[0] ? name : `${name}-second`);
}

function makeSlice(
  cluster: Cluster,
  { namespace, name, ports, addresses }: SystemService,
  { ip: { family } }: Cidr,
  sliceName: string,
): void {
  if (cluster.store.get(endpointSlices, namespace, sliceName)) return;
  make(cluster, endpointSlices, namespace, {
    metadata: { name: sliceName, labels: { "kubernetes.io/service-name": name } },
    addressType: `IPv${family}`,
    endpoints: addresses
      .filter((address) => parseIp(address)?.family === family)
      .map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: ports.map(({ name: port, protocol, targetPort }) => ({ name: port, protocol, port: targetPort })),
  });
}
