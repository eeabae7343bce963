// The rows that the prune guard holds, with what they protect until they go: their claims (claims.ts), and the
// addresses that they contain, which other owners' sets may hold as plain values.

import type { Absence } from "../desired/absence.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Atom } from "../model/fact.ts";
import { Multimap } from "../model/multimap.ts";
import type { Owner } from "../model/owner.ts";
import { membersOf } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { RowName } from "./look.ts";
import { claimsOf, lessened } from "./taking.ts";
import type { World } from "./world.ts";

/** Why something is held: its absence is in doubt, or no absence counts at present. */
export type Reason = Exclude<Absence, "confirmed"> | "suspended";

/** Columns with addresses of ports, of router ports, and in matches. */
const naming = ["addresses", "networks", "match"];

export class HeldRows {
  /** Rows with anything held -> why. */
  readonly #any = new RowMap<Reason>();
  /** Of these, the rows whose deletion is held, and those that would lose part of a column -> why. */
  readonly #lessened = new RowMap<Reason>();
  /** Rows that would lose a plain value which a held row names, or that would claim what a held row has. */
  readonly #keepers = new RowMap<true>();
  /** What the held rows claim -> a row that claims it */
  readonly #claims = new Map<string, RowName>();
  /** Address or MAC -> the UUIDs of the held rows that name it */
  readonly #namedIn = new Multimap<string, string>();
  /** UUID of a held row -> what it names, and why it is held */
  readonly #names = new Map<string, { readonly names: readonly string[]; readonly reason: Reason }>();

  /** The rows with anything held. */
  *values(): Iterable<RowName> {
    for (const [table, uuid] of this.#any.entries()) yield { table, uuid };
  }

  /** The same, with the reasons. */
  reasons(): Iterable<readonly [table: string, uuid: string, reason: Reason]> {
    return this.#any.entries();
  }

  /** The rows whose deletion is held, and those that would lose part of a column. */
  get lessened(): RowMap<Reason> {
    return this.#lessened;
  }

  isAny(reason: Reason): boolean {
    return [...this.#any.values()].includes(reason);
  }

  hold(group: AtomicGroup, reason: Reason, world: World): void {
    for (const { table, uuid } of group.changes) this.#any.set(table, uuid, reason);
    for (const { table, uuid } of lessened(group)) {
      this.#lessened.set(table, uuid, reason);
      for (const claim of claimsOf({ table, uuid }, world)) this.#claims.set(claim, { table, uuid });
      const names = namesIn({ table, uuid }, world);
      this.#names.set(uuid, { names, reason });
      for (const name of names) this.#namedIn.add(name, uuid);
    }
  }

  /** The group takes out a plain value that a held row names, or claims what a held row has. */
  keep(group: AtomicGroup, reason: Reason): void {
    for (const { table, uuid } of group.changes) {
      this.#any.set(table, uuid, reason);
      this.#keepers.set(table, uuid, true);
    }
  }

  /** The rows are compared anew, so what was held of them no longer counts. */
  forget(rows: RowMap<unknown>): void {
    for (const { table, uuid } of this.values()) {
      if (!rows.has(table, uuid)) continue;
      this.#any.delete(table, uuid);
      this.#lessened.delete(table, uuid);
      this.#keepers.delete(table, uuid);
      for (const name of this.#names.get(uuid)?.names ?? []) this.#namedIn.delete(name, uuid);
      this.#names.delete(uuid);
    }
    for (const [claim, { table, uuid }] of this.#claims)
      if (rows.has(table, uuid)) this.#claims.delete(claim);
  }

  get hasClaims(): boolean {
    return this.#claims.size > 0;
  }

  claimant(claim: string): RowName | undefined {
    return this.#claims.get(claim);
  }

  /** Why the row is held. */
  why({ table, uuid }: RowName): Reason | undefined {
    return this.#any.get(table, uuid);
  }

  /** Why a row that contains `value` is held; undefined when no held row contains it. */
  whyNamed(value: Atom): Reason | undefined {
    const [uuid] = this.#namedIn.get(String(value));
    return uuid === undefined ? undefined : this.#names.get(uuid)?.reason;
  }

  /** The rows to compare again when `owners` have been reconsidered: theirs, and those that may be theirs. */
  *concernedBy(owners: ReadonlySet<Owner>, world: World): Iterable<RowName> {
    for (const name of this.values()) {
      const row = world.actual(name.table, name.uuid);
      const owner = row && world.ownerOf(row);
      if (owner === undefined || owners.has(owner)) yield name;
    }
    yield* this.keepers();
  }

  /** The rows that stay as they are only for as long as another row is held. */
  *keepers(): Iterable<RowName> {
    for (const [table, uuid] of this.#keepers.entries()) yield { table, uuid };
  }
}

/** The addresses and MACs in the row, among other words. */
function namesIn({ table, uuid }: RowName, world: World): readonly string[] {
  const row = world.actual(table, uuid);
  const texts = row ? naming.flatMap((column) => [...membersOf(row, column)]) : [];
  return texts.flatMap((text) => String(text).split(/[^\w.:]+/));
}
