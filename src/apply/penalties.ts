// Groups that the database refused, and when each is tried again: after a second, then after twice as long each time,
// up to a minute. Everything else goes on meanwhile.

import { sameEntries, sameValue } from "../model/fact.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { Change } from "./change.ts";

const firstMs = 1_000;
const longestMs = 60_000;

interface Penalty {
  /** The refused changes. */
  readonly changes: readonly Change[];
  readonly attempts: number;
  /** Undefined while the group is being tried again. */
  dueAt: number | undefined;
}

export class Penalties {
  /** group id -> its penalty */
  readonly #penalties = new Map<string, Penalty>();

  get size(): number {
    return this.#penalties.size;
  }

  /** The group was refused. Returns the number of attempts so far and the time until the next. */
  add(group: AtomicGroup, now: number): { readonly attempts: number; readonly retryInMs: number } {
    const attempts = (this.#penalties.get(group.id)?.attempts ?? 0) + 1;
    const retryInMs = Math.min(longestMs, firstMs * 2 ** (attempts - 1));
    this.#penalties.set(group.id, { changes: group.changes, attempts, dueAt: now + retryInMs });
    return { attempts, retryInMs };
  }

  /** Whether the group may be tried now. Also true when the group differs from the refused one, because its facts changed. */
  mayTry(group: AtomicGroup): boolean {
    const penalty = this.#penalties.get(group.id);
    if (penalty && !sameEntries(byPlace(penalty.changes), byPlace(group.changes), same))
      penalty.dueAt = undefined;
    return penalty?.dueAt === undefined;
  }

  /** The changes whose penalty is over. From now on their groups may be tried. */
  takeDue(now: number): readonly Change[] {
    const due = [...this.#penalties.values()].filter(({ dueAt }) => dueAt !== undefined && dueAt <= now);
    for (const penalty of due) penalty.dueAt = undefined;
    return due.flatMap(({ changes }) => changes);
  }

  /** A flush has ended: groups that could be tried and were not refused again are fine, or no longer needed. */
  forgetTried(): void {
    for (const [id, { dueAt }] of this.#penalties) if (dueAt === undefined) this.#penalties.delete(id);
  }

  /** When the next one is due; undefined when there is none. */
  get nextDue(): number | undefined {
    const dues = [...this.#penalties.values()].flatMap(({ dueAt }) => (dueAt === undefined ? [] : [dueAt]));
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }
}

/** The place of a change -> the change. A group has one change for each place. */
const byPlace = (changes: readonly Change[]): ReadonlyMap<string, Change> =>
  new Map(
    changes.map((change) => [
      change.kind === "member" ? `${change.uuid} ${change.column.name} ${String(change.key)}` : change.uuid,
      change,
    ]),
  );

function same(a: Change, b: Change): boolean {
  if (a.kind === "member") return b.kind === "member" && a.action === b.action && a.value === b.value;
  if (a.kind === "insert" || a.kind === "update")
    return a.kind === b.kind && sameEntries(a.columns, b.columns, sameValue);
  return a.kind === b.kind;
}
