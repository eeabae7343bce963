// What every cluster has before anybody asks: the system namespaces, and the Service `default/kubernetes` through which
// pods reach this server, with the EndpointSlice that says where it is.

import { addressAt, formatIp, parseIp } from "../../src/model/ip.ts";
import type { Cluster } from "./cluster.ts";
import type { JsonObject } from "./json.ts";
import { endpointSlices } from "./kinds/endpointslice.ts";
import type { Kind } from "./kinds/kind.ts";
import { namespaces } from "./kinds/namespace.ts";
import { services } from "./kinds/service.ts";
import { create } from "./verbs/create.ts";

const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** `addresses` are the server's own as the nodes see them; those of the Service's family become endpoints. */
export function bootstrap(cluster: Cluster, addresses: readonly string[], port: number): void {
  const make = (kind: Kind, namespace: string, body: JsonObject): void => {
    create(cluster, kind, namespace, body, { dryRun: false, unknownFields: "Strict", warn: () => {} });
  };
  for (const name of systemNamespaces) make(namespaces, "", { metadata: { name } });
  const cidr = cluster.addresses.cidrs[0];
  if (!cidr) return;
  const { family } = cidr.ip;
  const labels = { component: "apiserver", provider: "kubernetes" };
  make(services, "default", {
    metadata: { name: "kubernetes", labels },
    spec: {
      clusterIP: formatIp(addressAt(cidr, 1n)),
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
    },
  });
  const own = addresses.filter((address) => parseIp(address)?.family === family);
  make(endpointSlices, "default", {
    metadata: { name: "kubernetes", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: `IPv${family}`,
    endpoints: own.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: "https", port, protocol: "TCP" }],
  });
}
