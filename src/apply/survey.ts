// What a flush has to do. Compares the dirty rows and the rows that they involve, until nothing new is dirty, and
// groups the changes. It yields while it compares. What changed meanwhile is compared again, so the result is one
// consistent view of the facts.

import { Part } from "../desired/part.ts";
import { RowMap } from "../desired/rowMap.ts";
import { memberLookup } from "../ovsdb/index.ts";
import { type AtomicGroup, atomicGroups } from "./atomicGroup.ts";
import { type Change, type MemberChange, targetOf } from "./change.ts";
import { RowDiff } from "./diff.ts";
import { type Look, wholeRow } from "./look.ts";
import type { Slicer } from "./slicer.ts";
import type { World } from "./world.ts";

export interface SurveyOptions {
  readonly world: World;
  readonly slicer: Slicer;
  /** What became dirty since the last call; nothing when all is quiet. Undefined is a step that found nothing. */
  readonly take: () => Iterable<Look | undefined>;
  /** What waits for the row. */
  readonly waitingFor: (uuid: string) => readonly Look[];
}

export interface Survey {
  /** Every row that was compared, with its differences. */
  readonly rows: RowMap<RowDiff>;
  readonly groups: readonly AtomicGroup[];
}

/** If facts or other writers keep changing a row, the flush must still end. */
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
      // A row involves what waits for it or for a row that it refers to, and the new rows that it refers to.
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
  if (change.kind !== "member" || change.action !== "insert") return;
  const isNew = !world.actual(target.table, target.uuid);
  if (isNew && !rows.has(target.table, target.uuid)) yield wholeRow(target);
  if (!isNew && !world.isSynced()) yield* holders(world, change, target.uuid);
}

/** Where a moving row is now. Once all inputs are synced this is known, as a member that nobody wants. */
function* holders(world: World, { table, column }: MemberChange, uuid: string): Iterable<Look> {
  if (!column.reference?.holds) return;
  for (const row of world.rows(table))
    if (memberLookup(row, column.name)(uuid) !== undefined)
      yield { table, uuid: row._uuid, part: new Part().add(column.name, uuid) };
}
