// What a controller would write that finds the API server's objects and an empty northbound database, put into an empty
// database. The cluster's rows must be these, to the letter, whatever has happened to it.

import { directCidrsOf } from "../../sandbox/processes.ts";
import { OwnNodes } from "../../src/cloud/ownNodes.ts";
import { clusterNetwork, defaultJoin } from "../../src/config/ranges.ts";
import { plannedState } from "../../src/controller/plannedState.ts";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { silent, systemClock } from "../../src/kube/clock.ts";
import { type Kind, kinds } from "../../src/kube/kinds.ts";
import { allReady, watchAll } from "../../src/kube/stores.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { Observed } from "../../src/observe/observed.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { givenRows } from "../golden/givenRows.ts";
import { noPorts } from "../golden/plannedCase.ts";
import { factTransaction } from "../real/factTransaction.ts";
import { northboundOfOvn } from "../real/ovn.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import { type Dump, type DumpedRow, dumpNorthbound, dumpOf } from "../sandbox/ovnDump.ts";
import type { Ground } from "./ground.ts";

const planMs = 30_000;

/** Written by ovn-northd into rows of ours. */
const northdsColumns = new Set(["up", "dynamic_addresses", "status"]);
/** Rows that no fact states. */
const stateless = /_(fence|memory)$/;

/** How the rows differ from the plan, a line for each row. Only for overlay mode without pools. */
export async function differencesFromPlan(ground: Ground): Promise<readonly string[]> {
  const [planned, actual] = await Promise.all([plannedRows(ground), dumpNorthbound(ground.cluster)]);
  const known = new Set([...planned.keys(), ...actual.keys()]);
  return [...known].flatMap((uuid) => {
    const [wanted, found] = [planned.get(uuid), actual.get(uuid)];
    if (stateless.test(found?.name ?? "")) return [];
    if (!found) return wanted ? [`missing: ${nameOf(wanted)}`] : [];
    if (!wanted) return [`not planned: ${nameOf(found)} ${found.text}`];
    return [...found.columns]
      .filter(([column, value]) => !northdsColumns.has(column) && wanted.columns.get(column) !== value)
      .map(
        ([column, value]) => `${nameOf(found)}: ${column} is ${value} and not ${wanted.columns.get(column)}`,
      );
  });
}

const nameOf = ({ table, name, text }: DumpedRow): string => `${table} ${name === "" ? text : name}`;

async function plannedRows({ cluster, client }: Ground): Promise<Dump> {
  const { layout } = cluster.sandbox;
  const scope = northboundScope(cluster.id, "global");
  const network = clusterNetwork({
    pods: layout.clusterCidrs,
    services: layout.serviceCidrs,
    join: defaultJoin,
    direct: directCidrsOf(layout),
  });
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(planMs)]);
  const server = new ApiServer(client);
  const stores = watchAll(client, new Set(Object.keys(kinds) as Kind[]), signal, { server });
  try {
    await allReady(stores, signal);
    const desired = await plannedState(
      {
        scope,
        network,
        cloud: new OwnNodes(scope, network, false),
        pools: undefined,
        client,
        server,
        stores,
        observed: new Observed({ scope, replica: givenRows({}), ports: noPorts, router: undefined }),
        externalIps: [],
        writeServiceStatus: async () => undefined,
        writeFloating: {
          status: async () => undefined,
          make: async () => undefined,
          unmake: async () => undefined,
        },
        patch: async ({ kind, name }) => {
          throw new Error(`${kind} ${name}: the plan would choose something anew`);
        },
        tell: {
          decided: () => undefined,
          distrusted: () => undefined,
          announced: () => undefined,
          floating: () => undefined,
          notFloating: () => undefined,
          notGiven: () => undefined,
          refused: () => undefined,
          conflict: ({ message }) => {
            throw new Error(message);
          },
          fellShort: () => undefined,
        },
        onPlanned: () => undefined,
        clock: systemClock,
        random: Math.random,
        log: silent,
      },
      signal,
    );
    await using database = await startOvsdbServer(northboundOfOvn);
    await using session = new Session({ remotes: [database.remote], database: "OVN_Northbound" });
    session.start();
    await session.connected(signal);
    const facts = [...desired.owners()].flatMap((owner) => desired.factsOf(owner));
    await session.transact(factTransaction(facts));
    return await dumpOf(cluster.sandbox, database.remote, "OVN_Northbound");
  } finally {
    ending.abort(new Error("the plan is made"));
  }
}
