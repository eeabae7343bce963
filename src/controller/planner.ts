// Plans one owner: waits for its decision, then states its facts. Called whenever anything about the owner may have
// changed, in any order.

import type { AnyDecides } from "../decide/deciding.ts";
import { NotNow } from "../decide/errors.ts";
import type { Desired } from "../desired/desired.ts";
import type { Conflict } from "../desired/desiredDatabase.ts";
import type { AnyOwnerKind, PlanContext, Planned } from "../kinds/kind.ts";
import type { Kind, KubeObject, ObjectRef } from "../kube/kinds.ts";
import { destinationId, type Fact } from "../model/fact.ts";
import { type Owner, parseOwner } from "../model/owner.ts";

export interface PlannerOptions {
  readonly kinds: readonly AnyOwnerKind[];
  readonly decides: readonly AnyDecides[];
  readonly context: PlanContext<Kind>;
  readonly desired: Desired;
  readonly applied: Applied;
  readonly tell: PlannerTell;
  /** What was chosen for the owner could not be released, because the term has ended or because of a fault. */
  readonly onReleaseEnded: (owner: Owner, error: unknown) => void;
}

/** What the planner needs from the appliers. */
export interface Applied {
  /** Resolves when the databases hold what the owner states, and nothing that it no longer states. */
  readonly committed: (owner: Owner) => Promise<void>;
  /** The ids of the destinations that facts may name. */
  readonly served: () => ReadonlySet<string>;
}

export interface PlannerTell {
  readonly refused: (object: ObjectRef, reason: string) => void;
  readonly conflict: (conflict: Conflict) => void;
}

export class Planner {
  readonly #options: PlannerOptions;
  readonly #kinds: ReadonlyMap<string, AnyOwnerKind>;
  readonly #decides: ReadonlyMap<string, AnyDecides>;
  /** Owners whose objects are gone according to the server, and that have not been planned since. */
  readonly #told = new Set<Owner>();
  readonly #served: ReadonlySet<string>;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.name, kind]));
    this.#served = options.applied.served();
    const stray = options.decides.find(({ kind }) => !this.#kinds.has(kind));
    if (stray) throw new RangeError(`something decides for "${stray.kind}", which is no kind of owner`);
    this.#decides = new Map(options.decides.map((decides) => [decides.kind, decides]));
  }

  /** The server reported that the owner's object is gone. */
  told(owner: Owner): void {
    this.#told.add(owner);
  }

  /** The object that the owner stands for, if it exists. */
  objectOf(owner: Owner): KubeObject | undefined {
    const { kind, namespace, name } = parseOwner(owner);
    const of = this.#kinds.get(kind)?.of;
    return of && this.#options.context.stores[of].get(namespace, name);
  }

  /** Whether the owner belongs to one of the kinds. */
  knows(owner: Owner): boolean {
    return this.#kinds.has(parseOwner(owner).kind);
  }

  /** Rejects with NotNow, after telling people why, when it has to be tried again. */
  async plan(owner: Owner): Promise<void> {
    const name = parseOwner(owner);
    const kind = this.#kinds.get(name.kind);
    if (!kind) throw new RangeError(`no kind of owner is called "${name.kind}"`);
    const { publish, release } = (await this.#decides.get(name.kind)?.decide(name)) ?? {};
    this.#say(owner, kind.plan(owner, name, this.#options.context));
    // Rejects only when the term ends. The next term starts from what the databases hold.
    if (release) this.#afterCommit(owner, release);
    await publish?.();
  }

  #say(owner: Owner, planned: Planned): void {
    if (planned === "as before") return;
    const { desired, tell } = this.#options;
    const object = this.objectOf(owner);
    if ("notNow" in planned) {
      if (object && !planned.isUsual) tell.refused(object, planned.notNow);
      throw new NotNow(planned.notNow);
    }
    const { facts, byWord = object !== undefined } = planned;
    const isAsked = byWord || this.#told.has(owner);
    this.#requireServed(owner, facts);
    this.#told.delete(owner);
    for (const conflict of desired.replace(owner, facts, isAsked)) tell.conflict(conflict);
  }

  #afterCommit(owner: Owner, release: () => void): void {
    this.#options.applied
      .committed(owner)
      .then(release)
      .catch((error: unknown) => this.#options.onReleaseEnded(owner, error));
  }

  #requireServed(owner: Owner, facts: readonly Fact[]): void {
    const served = this.#served;
    const stray = facts.find(({ destination }) => !served.has(destinationId(destination)));
    if (!stray) return;
    throw new Error(
      `${owner} states facts about ${destinationId(stray.destination)}, which nothing serves here; served: ${[...served].join(", ")}`,
    );
  }
}
