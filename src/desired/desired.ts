// The union of all owners' facts, for all destinations. An owner is replaced as a whole; what it stated before and
// states no longer is taken back. Only rows whose facts changed become dirty, so the cost of a change does not grow
// with the cluster.

import { type Destination, destinationId, type Fact } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import { type Absence, leastSure } from "./absence.ts";
import { type Conflict, DesiredDatabase } from "./desiredDatabase.ts";

export class Desired {
  /** owner -> its facts */
  readonly #facts = new Map<Owner, readonly Fact[]>();
  /** owner -> the absence of what it does not state; no entry if that is `confirmed` with facts, or `missing` without any */
  readonly #absences = new Map<Owner, Absence>();
  /** destination id -> its facts */
  readonly #databases = new Map<string, DesiredDatabase>();
  /** The same by object identity, because facts of one plan share their destination object. */
  readonly #byObject = new WeakMap<Destination, DesiredDatabase>();
  #round = 0;

  /**
   * Replaces everything that `owner` states by `facts`. Returns the conflicts that these facts are part of. A conflict
   * is not an error: the owner that came first stays in force, and when it goes, the next one takes over.
   *
   * `absence`: of everything else that the owner stated before, in this process or in an earlier one.
   */
  replace(owner: Owner, facts: readonly Fact[], absence: Absence = "confirmed"): readonly Conflict[] {
    const round = ++this.#round;
    this.#note(owner, facts, absence);
    const conflicts: Conflict[] = [];
    // New facts before old ones: a fact in both lists is found again, which costs one look-up and one comparison.
    for (const fact of facts) {
      const found = this.database(fact.destination).state(owner, fact, round);
      if (found.length > 0) conflicts.push(...found);
    }
    for (const fact of this.factsOf(owner))
      this.database(fact.destination).retract(owner, fact, round, absence === "confirmed");
    // A copy is only as large as it needs to be; a list that has grown has room for more.
    if (facts.length > 0) this.#facts.set(owner, [...facts]);
    else this.#facts.delete(owner);
    return conflicts;
  }

  /** The owner is missing, and states nothing. */
  remove(owner: Owner): void {
    this.replace(owner, [], "missing");
  }

  /** The absence of what the owner does not state. */
  absenceOf(owner: Owner): Absence {
    return this.#absences.get(owner) ?? (this.#facts.has(owner) ? "confirmed" : "missing");
  }

  /** The most doubtful absence for any owner; for an unknown owner it is `missing`. */
  leastSureAbsence(): Absence {
    return leastSure(["missing", ...this.#absences.values()]);
  }

  factsOf(owner: Owner): readonly Fact[] {
    return this.#facts.get(owner) ?? [];
  }

  owners(): Iterable<Owner> {
    return this.#facts.keys();
  }

  /** The part of one destination. It is created when it is first asked for. */
  database(destination: Destination): DesiredDatabase {
    const known = this.#byObject.get(destination);
    if (known) return known;
    const id = destinationId(destination);
    const database = this.#databases.get(id) ?? new DesiredDatabase(destination);
    this.#databases.set(id, database);
    this.#byObject.set(destination, database);
    return database;
  }

  /** An owner that had facts and has none any more needs no entry: its rows are known, and are marked one by one. */
  #note(owner: Owner, facts: readonly Fact[], absence: Absence): void {
    const before = this.absenceOf(owner);
    const isUsual =
      facts.length > 0 ? absence === "confirmed" : absence === "missing" || this.#facts.has(owner);
    if (isUsual) this.#absences.delete(owner);
    else this.#absences.set(owner, absence);
    if (absence !== before) for (const database of this.#databases.values()) database.reconsider(owner);
  }
}
