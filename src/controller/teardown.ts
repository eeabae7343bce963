// Removes a cluster from a northbound database: an engine with no desired facts, and then the fence. Rows of others,
// including other clusters, stay as they are. It needs no Kubernetes, which may be gone already.

import { setTimeout as pause } from "node:timers/promises";
import { Engine } from "../apply/engine.ts";
import { FenceLostError } from "../apply/errors.ts";
import { Fence } from "../apply/fence.ts";
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

/** A running controller takes its fence back within this time, with the next change it has to write. */
const watchMs = 3_000;

/** Deletes what the cluster has in the database. With `dryRun`, only reports it. */
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
  if (dryRun || (found.rows.size === 0 && !replica.table("Address_Set").get(fence.row))) return found;
  await fence.take(session, replica, signal);
  try {
    await empty(engine, signal);
    await session.transact(fence.guard(new Transaction(northbound)).delete("Address_Set", fence.row), {
      signal,
    });
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
  // A controller that still leads would put everything back.
  await Promise.race([pause(watchMs, undefined, { signal }), running]);
  ending.abort(new Error("the teardown is over"));
  await running;
}
