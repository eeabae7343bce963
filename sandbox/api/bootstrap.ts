// What every cluster has before anybody asks: the system namespaces, and the Service `default/kubernetes` through which
// pods reach this server, with the EndpointSlice that says where it is. `kubectl delete all --all` takes the Service
// away, so it is made again whenever it goes.

import { addressAt, formatIp, parseIp } from "../../src/model/ip.ts";
import type { Cluster } from "./cluster.ts";
import type { JsonObject } from "./json.ts";
import { endpointSlices } from "./kinds/endpointslice.ts";
import type { Kind } from "./kinds/kind.ts";
import { namespaces } from "./kinds/namespace.ts";
import { services } from "./kinds/service.ts";
import { keyOf } from "./store/shelf.ts";
import { create } from "./verbs/create.ts";

const name = "kubernetes";
const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/**
 * Makes what is missing, now and later; the answer ends that. `addresses` are the server's own as the nodes see them;
 * those of the Service's family become endpoints.
 */
export function keepSystemObjects(cluster: Cluster, addresses: readonly string[], port: number): () => void {
  for (const namespace of systemNamespaces) make(cluster, namespaces, "", { metadata: { name: namespace } });
  makeOwnService(cluster, addresses, port);
  return cluster.store.subscribe(({ type, entry, kind }) => {
    const own = entry.key === keyOf("default", name) && (kind === services || kind === endpointSlices);
    if (type === "DELETED" && own) setImmediate(() => makeOwnService(cluster, addresses, port));
  });
}

function make(cluster: Cluster, kind: Kind, namespace: string, body: JsonObject): void {
  create(cluster, kind, namespace, body, { dryRun: false, unknownFields: "Strict", warn: () => {} });
}

function makeOwnService(cluster: Cluster, addresses: readonly string[], port: number): void {
  const [cidr] = cluster.addresses.cidrs;
  if (!cidr) return;
  const { family } = cidr.ip;
  if (!cluster.store.get(services, "default", name))
    make(cluster, services, "default", {
      metadata: { name, labels: { component: "apiserver", provider: name } },
      spec: {
        clusterIP: formatIp(addressAt(cidr, 1n)),
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
      },
    });
  if (!cluster.store.get(endpointSlices, "default", name))
    make(cluster, endpointSlices, "default", {
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      addressType: `IPv${family}`,
      endpoints: addresses
        .filter((address) => parseIp(address)?.family === family)
        .map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports: [{ name: "https", port, protocol: "TCP" }],
    });
}
