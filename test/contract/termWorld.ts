// Terms of leadership one after the other, each with a real northbound server that keeps what the last one wrote and with stores
// that the test fills.

import { after } from "node:test";
import { defaultPruneLimits } from "../../src/apply/pruneGuard.ts";
import type { Served } from "../../src/controller/destinations.ts";
import type { Term } from "../../src/controller/term.ts";
import type { Patch } from "../../src/decide/durable.ts";
import { northboundTables } from "../../src/kinds/kinds.ts";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { systemClock } from "../../src/kube/clock.ts";
import { type Json, record, text } from "../../src/kube/json.ts";
import { type Kind, kinds } from "../../src/kube/kinds.ts";
import { emptyStore, putRaw, type Stores, storesOf } from "../../src/kube/stores.ts";
import type { NorthboundTables } from "../../src/ovn/northbound.gen.ts";
import { type Replica, Session } from "../../src/ovsdb/index.ts";
import { northboundSchema, select, startOvsdbServer } from "../real/ovsdbServer.ts";
import type { ApiObject } from "./clusterObjects.ts";
import { json, scripted, status } from "./kubeScript.ts";
import { linesOf } from "./rowLines.ts";
import { served, termOf } from "./termFixture.ts";

export const server = await startOvsdbServer(northboundSchema);
after(() => server[Symbol.asyncDispose]());

/** What the API server lists, by path: the stores of a test may lag behind it. */
export const listed = new Map<string, readonly Json[]>();

/** A cluster's API server that has nothing else but its namespace. */
const api = await scripted([
  (response, seen) => {
    if (seen.path === "/api/v1/namespaces/kube-system")
      json({ metadata: { uid: "cluster" } })(response, seen);
    else if (seen.query.has("limit"))
      json({ metadata: { resourceVersion: "5" }, items: listed.get(seen.path) ?? [] })(response, seen);
    else status(404, "NotFound")(response, seen);
  },
]);
after(() => api[Symbol.asyncDispose]());

/** The API server tells of the object. */
export function put(stores: Stores, { plural, object }: ApiObject): void {
  const metadata = record(object.metadata);
  const known = { uid: `uid-of-${text(metadata.name)}`, resourceVersion: "1" };
  const raw = { ...object, metadata: { ...known, ...metadata } };
  for (const [kind, { plural: of }] of Object.entries(kinds))
    if (of === plural) putRaw(stores, kind as Kind, raw);
}

/** Stores that are complete with these objects. */
export function storesWith(...objects: readonly ApiObject[]): Stores {
  const stores = storesOf(emptyStore);
  for (const object of objects) put(stores, object);
  for (const store of Object.values(stores)) store.note({ synced: true, resourceVersion: "5" });
  return stores;
}

/** A node is half of this cluster. */
const prune = { ...defaultPruneLimits, share: 1 };

export const serve = (zone: string, session: Session, replica: Replica<NorthboundTables>): Served =>
  served(zone, { session, replica, prune, clock: systemClock });

export interface LeadOptions {
  /** Further destinations. */
  readonly others?: readonly Served[];
  /** Resolves when the test has seen enough. */
  readonly until?: (term: Term) => Promise<unknown>;
  /** Takes what is written on objects. */
  readonly patch?: Patch;
  readonly onPlanned?: () => void;
  readonly pooled?: boolean;
  readonly services?: readonly string[];
  /** The tenant's router, in underlay mode. */
  readonly router?: string;
}

/** Leads with these pod ranges until a line with `message` is logged, if there is one, and then `until` resolves. */
export async function lead(
  pods: readonly string[],
  stores: Stores,
  message: string | undefined,
  {
    others = [],
    until = (term) => term.appliers.settled(),
    patch = async () => undefined,
    onPlanned = () => undefined,
    pooled = false,
    services = [],
    router,
  }: LeadOptions = {},
): Promise<void> {
  await using session = new Session({ remotes: [server.remote], database: "OVN_Northbound" });
  const said = Promise.withResolvers<void>();
  if (message === undefined) said.resolve();
  const ending = new AbortController();
  using client = new KubeClient({ server: api.url, namespace: "default" });
  const term = termOf({
    ...{ client, stores, session, pods, services, router, prune, others, patch, onPlanned },
    server: new ApiServer(client),
    isPooled: pooled,
    clock: systemClock,
    log: (_, text) => {
      if (message !== undefined && text.startsWith(message)) said.resolve();
    },
  });
  session.start();
  const ended = term.run(ending.signal);
  await Promise.race([said.promise, ended]);
  await until(term);
  ending.abort(new Error("the test is done"));
  await ended;
}

/** What the rows of all tables that plans write hold. */
export async function lines(): Promise<ReadonlySet<string>> {
  const tables = Object.keys(northboundTables);
  const of = async (table: string): Promise<readonly string[]> =>
    (await select(server.remote, "OVN_Northbound", table)).flatMap((row) => [...linesOf(table, row)]);
  return new Set((await Promise.all(tables.map(of))).flat());
}

export const portNames = async (): Promise<ReadonlySet<string>> => {
  const rows = await select(server.remote, "OVN_Northbound", "Logical_Switch_Port");
  return new Set(rows.flatMap(({ name }) => (typeof name === "string" ? name : [])));
};
