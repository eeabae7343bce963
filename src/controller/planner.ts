// Plans one owner: waits for its decision, then states its facts. Called whenever anything about the owner may have
// changed, in any order.

import type { Installed } from "../apply/applier.ts";
import type { AnyDecides } from "../decide/deciding.ts";
import { NotNow } from "../decide/errors.ts";
import type { Absence } from "../desired/absence.ts";
import type { Desired } from "../desired/desired.ts";
import type { Conflict } from "../desired/desiredDatabase.ts";
import type { AnyOwnerKind, PlanContext, Planned, Sought } from "../kinds/kind.ts";
import type { Kind, KubeObject, ObjectRef } from "../kube/kinds.ts";
import { destinationId, type Fact } from "../model/fact.ts";
import { type Owner, type OwnerName, parseOwner } from "../model/owner.ts";

export interface PlannerOptions {
  readonly kinds: readonly AnyOwnerKind[];
  readonly decides: readonly AnyDecides[];
  readonly context: PlanContext<Kind>;
  readonly desired: Desired;
  readonly applied: Applied;
  /** Asks the API server about an object of which only rows are known, and has its owner planned again if needed. */
  readonly absence: (object: ObjectName, owner: Owner) => Promise<Absence>;
  /** Why a plan cannot be made from the object, if it has one, and the kinds that it reads; undefined when it can. */
  readonly outdated: (object: KubeObject | undefined, reads: readonly Kind[]) => string | undefined;
  /** Asks for objects that the owner's plan lacks, and has it planned again. */
  readonly seek: (owner: Owner, sought: Sought) => void;
  readonly tell: PlannerTell;
  /** What was chosen for the owner could not be released, because the term has ended or because of a fault. */
  readonly onReleaseEnded: (owner: Owner, error: unknown) => void;
}

/** How far an owner's facts have got. */
export interface Enforced {
  /** Resolves when the databases hold what the owner states, and nothing that it no longer states. */
  readonly committed: (owner: Owner) => Promise<void>;
  /**
   * Resolves when that is so, and in force on each of these chassis; "unknown" when nobody can tell. Rejects when the signal
   * aborts.
   */
  readonly installed: (owner: Owner, chassis: readonly string[], signal: AbortSignal) => Promise<Installed>;
}

/** What the planner needs from the appliers. */
export interface Applied extends Pick<Enforced, "committed"> {
  /** Whether the owner may have rows that an earlier process made. */
  readonly hasRows: (owner: Owner) => boolean;
  /** The ids of the destinations that facts may name. */
  readonly served: () => ReadonlySet<string>;
}

export interface ObjectName {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

export interface PlannerTell {
  readonly refused: (object: ObjectRef, reason: string) => void;
  readonly conflict: (conflict: Conflict) => void;
  /**
   * The object does not get all that it asks for: part of it is beyond a limit, is invalid, or belongs to another
   * object. Told once, until the object gets everything or something else is invalid.
   */
  readonly fellShort: (object: ObjectRef, reason: ShortReason, message: string) => void;
}

export type ShortReason = "LimitExceeded" | "Malformed" | "NotServed" | "PortTaken" | "ProfileRefused";

export interface Shortfall {
  readonly reason: ShortReason;
  /** For people. */
  readonly message: string;
}

export class Planner {
  readonly #options: PlannerOptions;
  readonly #kinds: ReadonlyMap<string, AnyOwnerKind>;
  readonly #decides: ReadonlyMap<string, AnyDecides>;
  /** Owners with rows from an earlier process. Their objects are asked for until they exist or are known to be gone. */
  readonly #unconfirmed = new Set<Owner>();
  /** Owners that wait until what they read is no longer outdated. */
  readonly #putOff = new Set<Owner>();
  /** An owner that does not get all it asks for -> what was told, and about which object. */
  readonly #fellShort = new Map<Owner, Shortfall & { readonly told: string }>();
  readonly #served: ReadonlySet<string>;
  /** The objects from which owners were planned last. */
  readonly #planned = new WeakSet<KubeObject>();

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.name, kind]));
    this.#served = options.applied.served();
    const stray = options.decides.find(({ kind }) => !this.#kinds.has(kind));
    if (stray) throw new RangeError(`something decides for "${stray.kind}", which is no kind of owner`);
    this.#decides = new Map(options.decides.map((decides) => [decides.kind, decides]));
  }

  /** The owner has rows from an earlier time. */
  foundRowsOf(owner: Owner): void {
    this.#unconfirmed.add(owner);
  }

  /** The owner's object is there, or known to be gone. */
  isConfirmed(owner: Owner): boolean {
    return !this.#unconfirmed.has(owner);
  }

  /** Whether the owner states what its object asks for now, or has no object. */
  isPlanned(owner: Owner): boolean {
    const object = this.objectOf(owner);
    return !object || this.#planned.has(object);
  }

  /** The owners whose plans were put off because of what they read, to be planned again. */
  takePutOff(): readonly Owner[] {
    const all = [...this.#putOff];
    this.#putOff.clear();
    return all;
  }

  /** What the owner asks for and does not get. */
  shortfallOf(owner: Owner): Shortfall | undefined {
    const { reason, message } = this.#fellShort.get(owner) ?? {};
    return reason && message !== undefined ? { reason, message } : undefined;
  }

  /** A person has decided, so the API server is no longer asked about owners. */
  stopAsking(): void {
    this.#unconfirmed.clear();
  }

  /** The object that the owner stands for, if it exists. */
  objectOf(owner: Owner): KubeObject | undefined {
    return this.#objectNamed(parseOwner(owner));
  }

  #objectNamed({ kind, namespace, name }: OwnerName): KubeObject | undefined {
    const of = this.#kinds.get(kind)?.of;
    return of && this.#options.context.stores[of].get(namespace, name);
  }

  /** Whether the owner's object exists, if it stands for one. */
  hasItsObject(owner: Owner): boolean {
    return this.#kinds.get(parseOwner(owner).kind)?.of === undefined || this.objectOf(owner) !== undefined;
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
    try {
      await this.#planAs(owner, name, kind);
    } catch (error) {
      this.#keepRowsOf(owner);
      throw error;
    }
  }

  async #planAs(owner: Owner, name: OwnerName, kind: AnyOwnerKind): Promise<void> {
    const absence = await this.#absenceFor(owner, name, kind);
    this.#requirePresent(owner, kind, this.#objectNamed(name));
    const { stated, publish, release } = (await this.#decides.get(name.kind)?.decide(name)) ?? {};
    // While that was decided, another object may have got the name.
    const object = this.#objectNamed(name);
    this.#say(owner, object, kind.plan(owner, name, this.#options.context), absence);
    if (object) this.#planned.add(object);
    stated?.();
    // Rejects only when the term ends. The next term starts from what the databases hold.
    if (release) this.#afterCommit(owner, release);
    await publish?.();
  }

  #requirePresent(owner: Owner, { of, reads }: AnyOwnerKind, object: KubeObject | undefined): void {
    // Without its object an owner states nothing, whatever else is known.
    if (of !== undefined && !object) return;
    const why = this.#options.outdated(object, Object.keys(reads) as Kind[]);
    if (why === undefined) return;
    this.#putOff.add(owner);
    throw new NotNow(why);
  }

  /** How sure it is that what the owner no longer states is gone. */
  async #absenceFor(owner: Owner, ownerName: OwnerName, { of }: AnyOwnerKind): Promise<Absence> {
    const { desired, absence, applied } = this.#options;
    const { namespace, name } = ownerName;
    // If the owner stated this in this term, its object is really gone: objects leave the stores only when that is
    // known.
    if (of === undefined || this.#objectNamed(ownerName) || desired.factsOf(owner).length > 0)
      return "confirmed";
    if (!this.#unconfirmed.has(owner)) return "missing";
    const found = applied.hasRows(owner) ? await absence({ kind: of, namespace, name }, owner) : "confirmed";
    if (found === "confirmed") this.#unconfirmed.delete(owner);
    return found;
  }

  #say(owner: Owner, object: KubeObject | undefined, planned: Planned, absence: Absence): void {
    if (planned === "as before") return this.#keepRowsOf(owner);
    const { desired, tell } = this.#options;
    if ("notNow" in planned) {
      if (object && !planned.isUsual) tell.refused(object, planned.notNow);
      throw new NotNow(planned.notNow);
    }
    const { facts, doubt, lacks, leftOut, malformed, taken, refused, unserved } = planned;
    this.#requireServed(owner, facts);
    if (lacks && !this.#isKnown(owner)) this.#options.seek(owner, lacks);
    const known = this.#isKnown(owner) ? absence : (doubt ?? absence);
    for (const conflict of desired.replace(owner, facts, known)) tell.conflict(conflict);
    if (refused !== undefined) this.#tellShort(owner, object, "ProfileRefused", refused);
    else if (leftOut !== undefined) this.#tellShort(owner, object, "LimitExceeded", leftOut);
    else if (malformed !== undefined) this.#tellShort(owner, object, "Malformed", malformed);
    else if (taken !== undefined) this.#tellShort(owner, object, "PortTaken", taken);
    else this.#tellShort(owner, object, "NotServed", unserved);
  }

  /** What the owner states stays in force. If it has not stated anything in this term, the rows that it has stay. */
  #keepRowsOf(owner: Owner): void {
    const { desired, applied } = this.#options;
    if (desired.factsOf(owner).length === 0 && applied.hasRows(owner))
      desired.replace(owner, [], "unplanned");
  }

  #tellShort(
    owner: Owner,
    object: KubeObject | undefined,
    reason: ShortReason,
    message: string | undefined,
  ): void {
    if (!object || message === undefined) this.#fellShort.delete(owner);
    else {
      // The numbers in a message about a limit change all the time, so only its reason counts; another invalid part is
      // the author's next attempt, and is told again.
      const isSpecific = reason === "Malformed" || reason === "ProfileRefused";
      const told = `${object.uid} ${isSpecific ? message : reason}`;
      const before = this.#fellShort.get(owner);
      this.#fellShort.set(owner, { told, reason, message });
      if (before?.told !== told) this.#options.tell.fellShort(object, reason, message);
    }
  }

  /** Whether the owner has stated facts in this term. After that, its plan is not in doubt. */
  #isKnown(owner: Owner): boolean {
    const { desired } = this.#options;
    return desired.factsOf(owner).length > 0 && desired.absenceOf(owner) === "confirmed";
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
      `${owner} states facts about ${destinationId(stray.destination)}, which is not served here; served: ${[...served].join(", ")}`,
    );
  }
}
