// Rows that wait for another row: a member for its target, a new port for the switch that will hold it. When
// something happens to that other row, those that wait for it are looked at in the same flush.

import { RowMap } from "../desired/rowMap.ts";
import { type AtomicGroup, type RowName } from "./atomicGroup.ts";
import { targetOf } from "./change.ts";

export class Waiting {
  /** uuid -> the rows that wait for it */
  readonly #waiting = new Map<string, RowMap<true>>();

  /** The group could not be sent: each of its rows waits for each row that the group needs, refers to or inserts. */
  add(group: AtomicGroup): void {
    for (const uuid of awaitedBy(group)) {
      const rows = this.#waiting.get(uuid) ?? new RowMap<true>();
      this.#waiting.set(uuid, rows);
      for (const change of group.changes) rows.set(change.table, change.uuid, true);
    }
  }

  /** Those that waited for the row; from now on they wait no more. */
  take(uuid: string): readonly RowName[] {
    const rows = this.#waiting.get(uuid);
    if (!rows) return [];
    this.#waiting.delete(uuid);
    return [...rows.entries()].map(([table, waiting]) => ({ table, uuid: waiting }));
  }
}

function awaitedBy(group: AtomicGroup): ReadonlySet<string> {
  const awaited = new Set(group.needs.map((row) => row.uuid));
  for (const change of group.changes) {
    if (change.kind === "insert") awaited.add(change.uuid);
    const target = change.kind === "member" ? targetOf(change) : undefined;
    if (target !== undefined) awaited.add(target);
  }
  return awaited;
}
