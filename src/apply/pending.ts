// Which owners wait for which rows. An owner is committed when the database holds everything it states, and nothing
// that it stated before and no owner states now. Callers wait for that: an address is free only after its row is gone.

import { RowMap } from "../desired/rowMap.ts";
import type { Owner } from "../model/owner.ts";

export class Pending {
  /** row -> the owners that wait for it */
  readonly #rows = new RowMap<Set<Owner>>();
  /** owner -> how many rows it waits for */
  readonly #counts = new Map<Owner, number>();

  add(table: string, uuid: string, owner: Owner): void {
    const owners = this.#rows.ensure(table, uuid, () => new Set());
    if (owners.has(owner)) return;
    owners.add(owner);
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
  }

  owners(table: string, uuid: string): Iterable<Owner> {
    return this.#rows.get(table, uuid) ?? [];
  }

  has(owner: Owner): boolean {
    return this.#counts.has(owner);
  }

  /** How many owners wait. */
  get size(): number {
    return this.#counts.size;
  }

  /** The row is as wanted, except for the facts of the owners in `remaining`. */
  settle(table: string, uuid: string, remaining: ReadonlySet<Owner> | undefined): void {
    for (const owner of this.#rows.get(table, uuid) ?? []) if (!remaining?.has(owner)) this.#release(owner);
    for (const owner of remaining ?? []) this.add(table, uuid, owner);
    if (!remaining?.size) this.#rows.delete(table, uuid);
    else this.#rows.set(table, uuid, new Set(remaining));
  }

  #release(owner: Owner): void {
    const count = (this.#counts.get(owner) ?? 0) - 1;
    if (count > 0) this.#counts.set(owner, count);
    else this.#counts.delete(owner);
  }
}
