// Groups that could not be sent yet: a member waits for its target, a new port for the switch that will hold it, a
// moving port for the switch that it moves to. When a row that a group changes or needs is touched, everything that the
// group changes is compared again in the same flush.

import type { AtomicGroup } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";

export class Waiting {
  /** uuid -> group id -> the group that waits for that row */
  readonly #waiting = new Map<string, Map<string, AtomicGroup>>();

  /** Has the group compared again when one of its rows is touched. */
  add(group: AtomicGroup): void {
    for (const uuid of awaitedBy(group)) {
      const groups = this.#waiting.get(uuid);
      if (groups) groups.set(group.id, group);
      else this.#waiting.set(uuid, new Map([[group.id, group]]));
    }
  }

  /** The changes of groups that wait for the row. From now on they no longer wait. */
  take(uuid: string): readonly Change[] {
    const groups = this.#waiting.get(uuid);
    if (!groups) return [];
    this.#waiting.delete(uuid);
    return [...groups.values()].flatMap((group) => group.changes);
  }
}

function awaitedBy(group: AtomicGroup): ReadonlySet<string> {
  const awaited = new Set(group.needs.map((row) => row.uuid));
  for (const change of group.changes) {
    awaited.add(change.uuid);
    const target = targetOf(change);
    if (target) awaited.add(target.uuid);
  }
  return awaited;
}
