// The union of all owners' facts, for all destinations. An owner is replaced as a whole; what it said before and
// says no longer is taken back. Only rows about which the union changed become dirty, so that the cost of a
// change follows the change and not the cluster.

import { type Destination, destinationId, type Fact, type Owner } from "../model/fact.ts";
import { type Conflict, DesiredDatabase } from "./desiredDatabase.ts";

export class Desired {
  /** owner -> what it says */
  readonly #facts = new Map<Owner, readonly Fact[]>();
  /** destination id -> its facts */
  readonly #databases = new Map<string, DesiredDatabase>();
  /** The same by the object, as facts of one plan share theirs. */
  readonly #byObject = new WeakMap<Destination, DesiredDatabase>();
  #round = 0;

  /**
   * From now on `owner` says exactly `facts`. Answers with the conflicts these facts are part of; a conflict is no
   * error: the owner that came first stays in force, and when it goes the next one takes over.
   *
   * `byWord`: what the owner no longer says is wanted no more by somebody's word. Otherwise it may only be missing, as from an API
   * server that lists too little, and the prune guard counts it.
   */
  replace(owner: Owner, facts: readonly Fact[], byWord = false): readonly Conflict[] {
    const round = ++this.#round;
    const conflicts: Conflict[] = [];
    // What is new before what is gone: a fact in both lists is found again and costs one look-up and a comparison.
    for (const fact of facts) {
      const found = this.database(fact.destination).state(owner, fact, round);
      if (found.length > 0) conflicts.push(...found);
    }
    for (const fact of this.factsOf(owner))
      this.database(fact.destination).retract(owner, fact, round, byWord);
    if (facts.length > 0) this.#facts.set(owner, facts);
    else this.#facts.delete(owner);
    return conflicts;
  }

  /** The owner is gone and says nothing any more. */
  remove(owner: Owner): void {
    this.replace(owner, []);
  }

  factsOf(owner: Owner): readonly Fact[] {
    return this.#facts.get(owner) ?? [];
  }

  owners(): Iterable<Owner> {
    return this.#facts.keys();
  }

  /** The part of one destination, which exists as soon as it is asked for. */
  database(destination: Destination): DesiredDatabase {
    const known = this.#byObject.get(destination);
    if (known) return known;
    const id = destinationId(destination);
    const database = this.#databases.get(id) ?? new DesiredDatabase(destination);
    this.#databases.set(id, database);
    this.#byObject.set(destination, database);
    return database;
  }
}
