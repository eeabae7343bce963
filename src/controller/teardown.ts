// Removes a cluster from a northbound database: an engine with no desired facts, and then the fence. Rows of others,
// including other clusters, stay as they are. It needs no Kubernetes, which may be gone already.

import { Engine } from "../apply/engine.ts";
import { FenceLostError } from "../apply/errors.ts";
import { Fence } from "../apply/fence.ts";
import { holdFence } from "../apply/holdFence.ts";
import { memoryRow } from "../apply/memory.ts";
import { Desired } from "../desired/desired.ts";
import { northboundTables } from "../kinds/kinds.ts";
import type { Clock, Log } from "../kube/clock.ts";
import { northboundScope } from "../model/scope.ts";
import { northbound } from "../ovn/northbound.gen.ts";
import { type Session, Transaction } from "../ovsdb/index.ts";

export interface TeardownOptions {
  readonly cluster: string;
  readonly zone: string;
  readonly session: Session;
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TornDown {
  /** Table -> the number of the cluster's rows that were, or would be, deleted, without the fence. */
  readonly rows: ReadonlyMap<string, number>;
  /** What would be sent, for a dry run. */
  readonly operations: string;
  /** Why some rows stay. */
  readonly problems: readonly string[];
}

/** Deletes what the cluster has in the database, unless a controller leads. With `dryRun`, only reports it. */
export async function teardown(
  options: TeardownOptions,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<TornDown> {
  const { cluster, zone, session, holder, clock, log } = options;
  const replica = session.replica(northbound, northboundTables);
  await replica.ready(signal);
  const fence = new Fence({ database: northbound, cluster, holder });
  const desired = new Desired();
  const { destination } = northboundScope(cluster, zone);
  const engine = new Engine({
    destination,
    cluster,
    database: northbound,
    desired,
    session,
    replica,
    ...(!dryRun && { fence }),
    clock,
    log,
    // No limits: a person has asked for all of it to go.
    limits: { prune: { share: 1, rows: Number.POSITIVE_INFINITY, windowMs: 0 } },
  });
  const planned = await engine.dryRun(signal);
  const found: TornDown = {
    rows: engine.owned(),
    operations: planned.transactions.map(String).join("\n\n"),
    problems: planned.problems,
  };
  const own = [memoryRow(cluster), fence.row].filter((row) => replica.table("Address_Set").get(row));
  if (dryRun || (found.rows.size === 0 && own.length === 0)) return found;
  await fence.take(session, replica, signal);
  try {
    // A controller that leads takes its fence back, before anything is deleted.
    await holdFence(fence, replica, signal);
    await empty(engine, signal);
    const last = fence.guard(new Transaction(northbound));
    for (const row of new Set([...own, fence.row])) last.delete("Address_Set", row);
    await session.transact(last, { signal });
  } catch (cause) {
    const isLost = cause instanceof FenceLostError || fence.lost(cause) !== undefined;
    if (!isLost) throw cause;
    const message = `cluster ${cluster} is still led by a controller: stop it, then run this again`;
    throw new Error(message, { cause });
  }
  return found;
}

/** Lets the engine delete everything. Rejects with a FenceLostError when a controller takes the fence back. */
async function empty(engine: Engine, signal: AbortSignal): Promise<void> {
  const ending = new AbortController();
  const running = engine.run(AbortSignal.any([signal, ending.signal]));
  engine.allSynced();
  await Promise.race([engine.settled(signal), running]);
  ending.abort(new Error("the teardown is over"));
  await running;
}
