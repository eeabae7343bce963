// What a flush has to do: compares what is dirty, and the rows that drags in, until nothing new is dirty, and puts the
// changes into groups. Yields while it compares; what changed meanwhile is looked at again, so that what comes out is one
// consistent view of the facts.

import { RowMap } from "../desired/rowMap.ts";
import { type AtomicGroup, atomicGroups } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";
import { RowDiff } from "./diff.ts";
import { type Look, wholeRow } from "./look.ts";
import type { Slicer } from "./slicer.ts";
import type { World } from "./world.ts";

export interface SurveyOptions {
  readonly world: World;
  readonly slicer: Slicer;
  /** What became dirty since the last call; none when it is quiet. Undefined is a step that found nothing. */
  readonly take: () => Iterable<Look | undefined>;
  /** What waits for the row. */
  readonly waitingFor: (uuid: string) => readonly Look[];
}

export interface Survey {
  /** Every row that was looked at, with what differs in it. */
  readonly rows: RowMap<RowDiff>;
  readonly groups: readonly AtomicGroup[];
}

/** A row that facts or other writers never leave in peace must not keep a flush from ending. */
const maxRounds = 10;

export async function survey(options: SurveyOptions): Promise<Survey> {
  const { world, slicer, take, waitingFor } = options;
  const rows = new RowMap<RowDiff>();
  for (let round = 0; round < maxRounds; round++) {
    let isQuiet = true;
    for (const taken of take()) {
      if (slicer.due) await slicer.pause();
      if (!taken) continue;
      isQuiet = false;
      // A row drags in what waits for it or for a row it refers to, and new rows it refers to.
      const queue = [taken];
      for (const { table, uuid, part } of queue) {
        const diff = rows.ensure(table, uuid, () => new RowDiff(table, uuid));
        for (const look of waitingFor(uuid)) queue.push(look);
        for (const change of diff.look(world, part)) {
          if (change) for (const look of dragged(options, rows, change)) queue.push(look);
          if (slicer.due) await slicer.pause();
        }
        if (slicer.due) await slicer.pause();
      }
    }
    if (isQuiet) break;
  }
  const changes: Change[] = [];
  for (const diff of rows.values()) {
    for (const change of diff.changes) changes.push(change);
    if (slicer.due) await slicer.pause();
  }
  return { rows, groups: await slicer.run(atomicGroups(changes, world)) };
}

function* dragged(
  { world, waitingFor }: SurveyOptions,
  rows: RowMap<RowDiff>,
  change: Change,
): Iterable<Look> {
  const target = targetOf(change);
  if (!target) return;
  yield* waitingFor(target.uuid);
  const isNew =
    change.kind === "member" && change.action === "insert" && !world.actual(target.table, target.uuid);
  if (isNew && !rows.has(target.table, target.uuid)) yield wholeRow(target);
}
