// One thing that owners state something about: the columns of a row, a member of a set, an entry of a map. Nearly every
// slot has one owner for life, so the first claim is kept in the object itself, and a map is made only when there are
// others. The first claim is in force. The others count as references if they are equal, and wait if they differ.

import type { Owner } from "../model/owner.ts";

export interface Claim<V> {
  readonly owner: Owner;
  value: V;
  /** The `Desired.replace` call that stated it last. When a later call ends, older claims of its owner are taken back. */
  round: number;
}

export class Slot<V> {
  #first: Claim<V>;
  /** owner -> claim, in the order of arrival */
  #others: Map<Owner, Claim<V>> | undefined;

  constructor(first: Claim<V>) {
    this.#first = first;
  }

  /** The value in force. */
  get value(): V {
    return this.#first.value;
  }

  /** The owner whose claim is in force. */
  get owner(): Owner {
    return this.#first.owner;
  }

  get shared(): boolean {
    return this.#others !== undefined;
  }

  /** All owners with a claim here, the one in force first. */
  get owners(): readonly Owner[] {
    return this.#others ? [this.#first.owner, ...this.#others.keys()] : [this.#first.owner];
  }

  claimOf(owner: Owner): Claim<V> | undefined {
    return this.#first.owner === owner ? this.#first : this.#others?.get(owner);
  }

  /** The claims that are not in force. */
  *others(): Iterable<Claim<V>> {
    if (this.#others) yield* this.#others.values();
  }

  add(claim: Claim<V>): void {
    this.#others ??= new Map();
    this.#others.set(claim.owner, claim);
  }

  /** Takes back the claim of `owner`. Returns false when no claim is left and the slot should be forgotten. */
  remove(owner: Owner): boolean {
    if (this.#first.owner === owner) {
      const next = this.#others?.values().next().value;
      if (!next) return false;
      this.#first = next;
      this.#others?.delete(next.owner);
    } else this.#others?.delete(owner);
    if (this.#others?.size === 0) this.#others = undefined;
    return true;
  }
}
