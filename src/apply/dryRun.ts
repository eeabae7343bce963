// What an engine would do: the same comparison over all rows, printed instead of sent.

import { Transaction } from "../ovsdb/index.ts";
import { batches, ready, transactionOf } from "./batch.ts";
import { batchLimits, type EngineOptions, pruneLimits } from "./engineOptions.ts";
import type { LiveWorld } from "./liveWorld.ts";
import { wholeRow } from "./look.ts";
import { PruneGuard } from "./pruneGuard.ts";
import type { PruneHeld } from "./pruneReport.ts";
import { Slicer } from "./slicer.ts";
import { survey } from "./survey.ts";

/** What `dryRun` found: the transactions in the order of sending, and what would not be sent. */
export interface DryRun {
  readonly transactions: readonly Transaction[];
  readonly held: PruneHeld | undefined;
  /** Facts that cannot be made true at present. */
  readonly problems: readonly string[];
}

/** The difference between what is wanted and what exists now, as if all inputs were synced. */
export async function dryRun(options: EngineOptions, live: LiveWorld): Promise<DryRun> {
  const { clock, database } = options;
  const world = { ...live.now(), isSynced: () => true };
  const rounds = [Iterator.from(live.rows())];
  const slicer = new Slicer(clock.now);
  const { groups } = await survey({
    world,
    slicer,
    take: () => rounds.pop()?.map((row) => row && wholeRow(row)) ?? [],
    waitingFor: () => [],
  });
  const guard = new PruneGuard(pruneLimits(options), (table, uuid) => live.nameOf(table, uuid));
  guard.allSynced();
  const possible = groups.filter((group) => group.problem === undefined && !group.incomplete);
  const { sendable } = await slicer.run(guard.sort(possible, world, () => live.countOwned(), clock.now()));
  const cut = await slicer.run(batches(ready(sendable, world), batchLimits(options)));
  return {
    transactions: cut.map((batch) => transactionOf(batch, world, new Transaction(database))),
    held: guard.heldRows > 0 ? guard.report(live.countOwned()) : undefined,
    problems: groups.flatMap(({ problem }) => problem ?? []),
  };
}
