// What a flush has to do: compares dirty rows, and the rows they drag in, until nothing new is dirty, and puts the
// changes into groups. Yields while it compares; what changed meanwhile is looked at again, so that what comes out is one
// consistent view of the facts.

import { RowMap } from "../desired/rowMap.ts";
import { type AtomicGroup, atomicGroups, type RowName } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";
import { rowDiff } from "./diff.ts";
import type { Slicer } from "./slicer.ts";
import type { World } from "./world.ts";

export interface SurveyOptions {
  readonly world: World;
  readonly slicer: Slicer;
  /** Rows that became dirty since the last call; none when it is quiet. */
  readonly take: () => Iterable<RowName>;
  /** Rows that wait for the row. */
  readonly waitingFor: (uuid: string) => readonly RowName[];
}

export interface Survey {
  /** Every row that was looked at, with its changes. */
  readonly rows: RowMap<readonly Change[]>;
  readonly groups: readonly AtomicGroup[];
}

/** A row that facts or other writers never leave in peace must not keep a flush from ending. */
const maxRounds = 10;

export async function survey(options: SurveyOptions): Promise<Survey> {
  const { world, slicer, take, waitingFor } = options;
  const rows = new RowMap<readonly Change[]>();
  for (let round = 0; round < maxRounds; round++) {
    let isQuiet = true;
    for (const taken of take()) {
      isQuiet = false;
      // A row drags in those that wait for it or for a row it refers to, and new rows it refers to.
      const queue = [taken];
      for (const { table, uuid } of queue) {
        const changes = rowDiff(world, table, uuid);
        rows.set(table, uuid, changes);
        for (const row of [...waitingFor(uuid), ...dragged(options, changes)])
          if (!rows.has(row.table, row.uuid)) queue.push(row);
        if (slicer.due) await slicer.pause();
      }
    }
    if (isQuiet) break;
  }
  return { rows, groups: await slicer.run(atomicGroups([...rows.values()].flat(), world)) };
}

function* dragged({ world, waitingFor }: SurveyOptions, changes: readonly Change[]): Iterable<RowName> {
  for (const change of changes) {
    const target = targetOf(change);
    if (!target) continue;
    yield* waitingFor(target.uuid);
    const isInsert = change.kind === "member" && change.action === "insert";
    if (isInsert && !world.actual(target.table, target.uuid)) yield target;
  }
}
