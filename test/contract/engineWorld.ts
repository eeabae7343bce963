// What the engine's contract tests have in common: a real northbound server, an engine on it, a second writer, and
// short names for facts.

import type { BatchLimits } from "../../src/apply/batch.ts";
import { Engine } from "../../src/apply/engine.ts";
import type { Committed, Refused } from "../../src/apply/engineEvents.ts";
import { Fence } from "../../src/apply/fence.ts";
import { Generations } from "../../src/apply/generations.ts";
import type { PruneLimits } from "../../src/apply/pruneGuard.ts";
import type { PruneHeld } from "../../src/apply/pruneReport.ts";
import { Desired } from "../../src/desired/desired.ts";
import type { Fact } from "../../src/model/fact.ts";
import { namesOf } from "../../src/model/names.ts";
import type { Scope } from "../../src/model/scope.ts";
import type { NorthboundTables } from "../../src/ovn/northbound.gen.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { southbound } from "../../src/ovn/southbound.gen.ts";
import { type Clock, type Replica, Session, Transaction } from "../../src/ovsdb/index.ts";
import { FactList } from "../../src/plan/facts.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";

/** A server that crashes must end a test and not hang it. */
export const bounded = { timeout: 60_000 };

export const schemaFile = new URL("../../src/ovn/schemas/northbound.ovsschema", import.meta.url).pathname;

export const scope: Scope = {
  cluster: "demo",
  destination: { zone: "global", database: "OVN_Northbound" },
  names: namesOf("demo"),
};

/** The same cluster in the database of another zone. */
export const zoneOf = (zone = "global"): Scope => ({ ...scope, destination: { ...scope.destination, zone } });

export const transaction = (): Transaction<NorthboundTables> => new Transaction(northbound);

/** The facts of a switch: only its row. */
export function switchFacts(name: string, of = scope): readonly Fact[] {
  const facts = new FactList(of, `node/${name}`);
  facts.row("Logical_Switch", name, { name });
  return facts.facts;
}

/** The facts of a port on a switch that another owner states. */
export function portFacts(
  name: string,
  onSwitch: string,
  columns: { addresses?: string[] } = {},
): readonly Fact[] {
  const facts = new FactList(scope, `pod/${name}`);
  const port = facts.row("Logical_Switch_Port", name, { name, ...columns });
  facts.member("Logical_Switch", facts.ref("Logical_Switch", onSwitch), "ports", port);
  return facts.facts;
}

/** The UUID of the row of `table` that `key` names. */
export const refOf = <T extends keyof NorthboundTables>(table: T, key: string) =>
  new FactList(scope, "test").ref(table, key);

export interface Running extends AsyncDisposable {
  readonly engine: Engine;
  readonly desired: Desired;
  readonly session: Session;
  readonly replica: Replica<NorthboundTables>;
  readonly fence: Fence;
  readonly committed: readonly Committed[];
  readonly refused: readonly Refused[];
  readonly held: readonly PruneHeld[];
  /** Rejects like the engine's `run`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface EngineSettings {
  /** One remote, or several to try in turn. */
  readonly remote: string | readonly string[];
  readonly desired?: Desired;
  /** Default "global". */
  readonly zone?: string;
  readonly synced?: boolean;
  /** If set, it neither takes the fence nor runs. */
  readonly idle?: boolean;
  readonly holder?: string;
  readonly clock?: Clock;
  /** Of a running ovn-northd, which the engine may then ask how far it is. */
  readonly southbound?: string;
  readonly limits?: { readonly batch?: BatchLimits; readonly prune?: PruneLimits };
}

const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/** Twenty times as fast, so that retries come soon. */
export const hurriedClock: Clock = {
  now: () => performance.now() * 20,
  after: (ms, action) => realClock.after(ms / 20, action),
};

const generationsOf = (session: Session, south: Session, fence: Fence): Generations =>
  new Generations({
    session,
    fence,
    northbound: session.replica(northbound, { NB_Global: { columns: ["nb_cfg", "sb_cfg"] } }),
    southbound: south.replica(southbound, { Chassis_Private: { columns: ["name", "nb_cfg"] } }),
  });

/** A running engine with a session of its own, which holds the fence. */
export async function startEngine(settings: EngineSettings): Promise<Running> {
  const abort = new AbortController();
  const session = openSession(settings.remote);
  const replica = wholeReplica(session);
  const desired = settings.desired ?? new Desired();
  const holder = settings.holder ?? crypto.randomUUID();
  const fence = new Fence({ database: northbound, cluster: scope.cluster, holder });
  const committed: Committed[] = [];
  const refused: Refused[] = [];
  const held: PruneHeld[] = [];
  const south =
    settings.southbound === undefined ? undefined : openSession(settings.southbound, "OVN_Southbound");
  const engine = new Engine({
    destination: zoneOf(settings.zone).destination,
    cluster: scope.cluster,
    database: northbound,
    desired,
    session,
    replica,
    fence,
    clock: settings.clock ?? realClock,
    log: () => {},
    ...(south && { generations: generationsOf(session, south, fence) }),
    ...(settings.limits && { limits: settings.limits }),
    events: {
      committed: (event) => committed.push(event),
      refused: (event) => refused.push(event),
      pruneHeld: (event) => held.push(event),
    },
  });
  if (settings.synced !== false) engine.allSynced();
  if (!settings.idle) await fence.take(session, replica);
  const ended = settings.idle ? Promise.resolve() : engine.run(abort.signal);
  ended.catch(() => {});
  const stop = async (): Promise<void> => {
    abort.abort();
    await ended.catch(() => {});
    await session[Symbol.asyncDispose]();
    await south?.[Symbol.asyncDispose]();
  };
  return {
    engine,
    desired,
    session,
    replica,
    fence,
    committed,
    refused,
    held,
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export function openSession(remote: string | readonly string[], database = "OVN_Northbound"): Session {
  const session = new Session({
    remotes: [remote].flat(),
    database,
    minBackoffMs: 10,
    maxBackoffMs: 100,
  });
  session.start();
  return session;
}

export function wholeReplica(session: Session): Replica<NorthboundTables> {
  const tables = Object.fromEntries(
    [...northbound.schema.tables.keys()].map((table) => [table, true as const]),
  );
  return session.replica(northbound, tables);
}

/** Provides a server, an engine and another writer for one test. */
export async function withEngine(
  settings: Omit<EngineSettings, "remote">,
  body: (running: Running, other: Session, remote: string) => Promise<void>,
): Promise<void> {
  await using server = await startOvsdbServer(schemaFile);
  await using other = openSession(server.remote);
  await using running = await startEngine({ remote: server.remote, ...settings });
  await other.connected();
  await body(running, other, server.remote);
}

/** Rows by name, which is how the tests see the database. */
export const byName = <K extends "Logical_Switch" | "Logical_Switch_Port" | "Port_Group" | "Address_Set">(
  replica: Replica<NorthboundTables>,
  table: K,
  name: string,
) => [...replica.table(table).values()].find((row) => row.name === name);

/** Resolves when the engine has seen everything that the other writer did so far, and has dealt with it. */
export async function mended(running: Running, other: Session): Promise<void> {
  const marker = crypto.randomUUID();
  await other.transact(transaction().insert("Logical_Router", { name: "marker" }, marker));
  const signal = AbortSignal.timeout(10_000);
  while (!running.replica.table("Logical_Router").get(marker))
    for await (const _ of running.replica.changes(signal)) break;
  await running.engine.settled(signal);
}
