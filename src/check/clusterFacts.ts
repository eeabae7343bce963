// What `weft check cluster` asks: the API server about nodes, DaemonSets and rights, and OVN's databases about their
// versions and whose rows are there. Nothing is changed. Each source answers for itself.

import type { KubeClient } from "../kube/client.ts";
import { list, record, text } from "../kube/json.ts";
import { kinds } from "../kube/kinds.ts";
import { pathOf } from "../kube/resource.ts";
import { controlPlaneLabel, ownership } from "../model/names.ts";
import { northbound } from "../ovn/northbound.gen.ts";
import { Session, type TlsOptions } from "../ovsdb/index.ts";
import type { Finding } from "./finding.ts";
import { orElseNoting } from "./orElse.ts";
import { type Role, rightsFindings } from "./rights.ts";

export interface ClusterQuestion {
  readonly kubernetes: () => Promise<KubeClient>;
  readonly role: Role;
  readonly cluster: string;
  readonly leaseNamespace: string;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly timeoutMs: number;
}

export interface NodeAddresses {
  readonly name: string;
  readonly internalIps: readonly string[];
  /** It has the label of control plane nodes. */
  readonly isControlPlane: boolean;
}

export interface ClusterFacts {
  readonly serverVersion: string;
  readonly nodes: readonly NodeAddresses[];
  /** `kube-system/kube-proxy` */
  readonly daemonSets: readonly string[];
  /** Of the Service default/kubernetes: the API server's own range of Services begins with it. */
  readonly apiAddresses: readonly string[];
  /** Where that Service leads. */
  readonly apiEndpoints: readonly string[];
  readonly rights: readonly Finding[];
  /** Name of the database ▶ version of its schema. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Weft's clusters that have rows in the northbound database. */
  readonly clusters: readonly string[];
  readonly unknown: readonly string[];
}

/** More objects than this are not read, so that a check is quick. */
const mostObjects = 500;

export async function clusterFacts(question: ClusterQuestion): Promise<ClusterFacts> {
  const unknown: string[] = [];
  const orElse = orElseNoting(unknown);
  const signal = AbortSignal.timeout(question.timeoutMs);
  const databases = Promise.all([
    orElse("northbound", databaseView(question, "OVN_Northbound", question.northbound, signal), undefined),
    orElse("southbound", databaseView(question, "OVN_Southbound", question.southbound, signal), undefined),
  ]);
  const client = await orElse("API server", question.kubernetes(), undefined);
  const ask = <T>(what: string, answer: (client: KubeClient) => Promise<T>, otherwise: T): Promise<T> =>
    client ? orElse(what, answer(client), otherwise) : Promise.resolve(otherwise);
  const [serverVersion, nodes, daemonSets, apiAddresses, apiEndpoints, rights] = await Promise.all([
    ask("API server", async (api) => text(record(await api.get("/version", { signal })).gitVersion), ""),
    ask("nodes", (api) => nodesOf(api, signal), []),
    ask("DaemonSets", (api) => daemonSetsOf(api, signal), []),
    ask("the Service kubernetes", (api) => apiAddressesOf(api, signal), []),
    ask("the endpoints of the Service kubernetes", (api) => apiEndpointsOf(api, signal), []),
    ask("rights", (api) => rightsFindings({ ...question, client: api, signal }), []),
  ]);
  client?.[Symbol.dispose]();
  const views = (await databases).flatMap((view) => view ?? []);
  return {
    ...{ serverVersion, nodes, daemonSets, apiAddresses, apiEndpoints, rights, unknown },
    schemas: new Map(views.map(({ database, version }) => [database, version])),
    clusters: views.flatMap(({ clusters }) => clusters),
  };
}

async function nodesOf(client: KubeClient, signal: AbortSignal): Promise<readonly NodeAddresses[]> {
  const { items } = await client.list(pathOf(kinds.Node), { query: { limit: mostObjects }, signal });
  return items.map((item) => ({
    name: text(record(record(item).metadata).name),
    internalIps: list(record(record(item).status).addresses)
      .map(record)
      .filter(({ type }) => type === "InternalIP")
      .map(({ address }) => text(address)),
    isControlPlane: Object.hasOwn(record(record(record(item).metadata).labels), controlPlaneLabel),
  }));
}

async function daemonSetsOf(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const { items } = await client.list("/apis/apps/v1/daemonsets", { query: { limit: mostObjects }, signal });
  return items.map((item) => {
    const { namespace, name } = record(record(item).metadata);
    return `${text(namespace)}/${text(name)}`;
  });
}

async function apiAddressesOf(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const service = record(await client.get(pathOf(kinds.Service, "default", "kubernetes"), { signal }));
  return list(record(service.spec).clusterIPs).map(text);
}

async function apiEndpointsOf(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const query = { labelSelector: "kubernetes.io/service-name=kubernetes", limit: mostObjects };
  const { items } = await client.list(pathOf(kinds.EndpointSlice, "default"), { query, signal });
  return items.flatMap((item) =>
    list(record(item).endpoints).flatMap((endpoint) => list(record(endpoint).addresses).map(text)),
  );
}

interface DatabaseView {
  readonly database: string;
  /** Of its schema. */
  readonly version: string;
  readonly clusters: readonly string[];
}

async function databaseView(
  { tls }: ClusterQuestion,
  database: string,
  remotes: readonly string[],
  signal: AbortSignal,
): Promise<DatabaseView> {
  await using session = new Session({ remotes, database, ...(tls && { tls }) });
  session.start();
  await session.connected(signal).catch((cause: unknown) => {
    const reason = session.lastError ? `: ${session.lastError.message}` : "";
    throw new Error(`${remotes.join(",")} did not answer${reason}`, { cause });
  });
  const version = session.serverSchema?.version ?? "";
  if (database !== "OVN_Northbound") return { database, version, clusters: [] };
  const replica = session.replica(northbound, { Address_Set: { columns: ["external_ids"] } });
  await replica.ready(signal);
  const owners = [...replica.table("Address_Set").values()].map(({ external_ids: ids }) =>
    ids.get(ownership.cluster),
  );
  return { database, version, clusters: [...new Set(owners.filter((owner) => owner !== undefined))] };
}
