// Which policies are in force, and what the others wait for. A policy is in force when it is planned as it is now, the
// database has it and every pod that it speaks of, and each chassis that carries a pod it selects has installed that state
// of the database. Policies share these proofs: a thousand at once cost OVN one number (marking.ts).
//
// When a pod joins the groups of a policy in force, only the database is checked for it: the pod's own port waits for
// its chassis (podPolicing.ts), and a number for each pod would be too many. A joining pod does not interrupt a proof
// under way, or none would ever end where pods come all the time.

import type { Mark } from "../apply/generations.ts";
import { Slicer } from "../apply/slicer.ts";
import type { AnyOwnerKind } from "../kinds/kind.ts";
import { policyKindOf, profileMembers } from "../kinds/policies.ts";
import type { Clock } from "../kube/clock.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { asksTheSame } from "../kube/policies.ts";
import type { AnyStore, Stores } from "../kube/stores.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import type { Groups } from "../select/groups.ts";
import { Drip } from "./drip.ts";
import { Marking, type MarkingOptions } from "./marking.ts";
import { type PolicyLookup, policyLookup } from "./policyLookup.ts";
import { behindText, inForceText, lateText, type PolicyNews } from "./policyNews.ts";
import { mostNamed, type PolicySummary } from "./policySummary.ts";

export interface PolicyStatesOptions extends PolicyLookup, MarkingOptions {
  readonly kinds: readonly AnyOwnerKind[];
  readonly stores: Stores;
  readonly groups: Pick<Groups, "usedBy" | "gainers" | "members" | "source">;
  /** The node that runs the chassis; undefined for one of a cloud. */
  readonly nodeOf: (chassis: string) => string | undefined;
  readonly news: PolicyNews;
  /** The result of `stateOf` for this policy may have changed. */
  readonly onState?: (policy: Owner) => void;
  readonly clock: Clock;
}

export interface PolicyState {
  /** When it came into force, by the wall clock. */
  readonly inForceSince: string | undefined;
  /** What it has been waiting for, for so long that people are told; undefined when it lacks nothing. */
  readonly waitsFor: string | undefined;
}

interface Tracked {
  readonly owner: Owner;
  readonly object: KubeObject;
  /** The policy has rows from before this leader, and none of them has been written since. */
  isInherited: boolean;
  /** When it came into force, by the wall clock. */
  inForceSince: string | undefined;
  /** The proof under way; undefined when there is none. */
  proof: Proof | undefined;
  /** The pods have changed since the proof began. */
  isStale: boolean;
  /** The proof takes so long that people are told. */
  isLate: boolean;
}

interface Proof {
  readonly beganMs: number;
  waitsFor: string;
  /** The chassis that it has to reach, once the database has everything. */
  chassis: ReadonlySet<string> | undefined;
  mark: Mark | undefined;
}

const lookMs = 200;
/** How long a proof takes before people are told what it waits for. */
const patienceMs = 5_000;
const betweenEventsMs = 100;
const againMs = 30_000;

export class PolicyStates {
  readonly #options: PolicyStatesOptions;
  readonly #policies = new Map<Owner, Tracked>();
  /** Those with a proof under way. */
  readonly #waiting = new Set<Tracked>();
  /** policy -> why the database has refused it */
  readonly #refused = new Map<Owner, string>();
  readonly #signal: AbortSignal;
  readonly #events: Drip<Owner>;
  readonly #marking: Marking;
  #callOff: () => void = () => undefined;
  #isLooking = false;

  /** Works until `signal` aborts. */
  constructor(options: PolicyStatesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#marking = new Marking(options, signal);
    this.#events = new Drip({
      act: (owner) => this.#tell(owner),
      everyMs: betweenEventsMs,
      againMs,
      clock: options.clock,
      signal,
    });
  }

  /** Follows the stores, which must be complete. `withRows`: the owners that have rows. */
  begin(hasRows: (owner: Owner) => boolean): void {
    const { kinds, stores, groups } = this.#options;
    const stops = kinds.flatMap(({ name, of, isPolicy }) => {
      if (!isPolicy || of === undefined) return [];
      // The compiler does not follow that a kind's store holds its objects.
      const store: AnyStore = stores[of];
      const ownerOfObject = (object: KubeObject): Owner => ownerOf(name, object.name, object.namespace);
      for (const object of store.values()) {
        const owner = ownerOfObject(object);
        this.#begin(owner, object, hasRows(owner));
      }
      return store.subscribe((changes) => {
        for (const { old, new: object } of changes) {
          if (object && old && asksTheSame(old, object)) this.#options.onState?.(ownerOfObject(object));
          else if (object) this.#begin(ownerOfObject(object), object, false);
          else if (old) this.#forget(ownerOfObject(old));
        }
      });
    });
    for (const role of ["subject", "peer"] as const)
      stops.push(
        groups.source(role).subscribe((changes) => {
          for (const change of changes)
            for (const owner of groups.gainers(role, change)) this.#podsChanged(owner);
        }),
      );
    this.#signal.addEventListener("abort", () => {
      this.#callOff();
      for (const stop of stops) stop();
    });
  }

  /** The database has taken something of these owners. */
  written(owners: Iterable<Owner>): void {
    for (const owner of owners) {
      this.#refused.delete(owner);
      const policy = this.#policies.get(owner);
      if (policy && policy.inForceSince === undefined) policy.isInherited = false;
    }
  }

  refused(owners: Iterable<Owner>, why: string): void {
    for (const owner of owners) if (this.#policies.has(owner)) this.#refused.set(owner, why);
  }

  get summary(): PolicySummary {
    const late = [...this.#waiting].filter(({ isLate }) => isLate);
    const settling = [...this.#waiting].filter((one) => !one.isLate && one.inForceSince === undefined).length;
    return {
      inForce: this.#policies.size - settling - late.length,
      settling,
      late: late.length,
      first: late.slice(0, mostNamed).map(({ object: { kind, namespace, name }, proof }) => ({
        kind,
        policy: namespace === "" ? name : `${namespace}/${name}`,
        waitsFor: proof?.waitsFor ?? "",
      })),
    };
  }

  /** Undefined while the policy has been on its way for only a short time, and for owners that are not policies. */
  stateOf(owner: Owner): PolicyState | undefined {
    const { inForceSince, isLate, proof } = this.#policies.get(owner) ?? {};
    if (isLate) return { inForceSince, waitsFor: proof?.waitsFor ?? "" };
    return inForceSince === undefined ? undefined : { inForceSince, waitsFor: undefined };
  }

  #begin(owner: Owner, object: KubeObject, isInherited: boolean): void {
    const before = this.#policies.get(owner);
    if (before) this.#waiting.delete(before);
    const policy: Tracked = {
      ...{ owner, object, isInherited, inForceSince: undefined, proof: undefined },
      ...{ isStale: false, isLate: false },
    };
    this.#policies.set(owner, policy);
    this.#prove(policy);
  }

  #forget(owner: Owner): void {
    const policy = this.#policies.get(owner);
    if (policy) this.#waiting.delete(policy);
    this.#policies.delete(owner);
    this.#refused.delete(owner);
    this.#events.forget(owner);
  }

  #podsChanged(owner: Owner): void {
    const policy = this.#policies.get(owner);
    if (policy?.proof) policy.isStale = true;
    else if (policy) this.#prove(policy);
  }

  #prove(policy: Tracked): void {
    policy.isStale = false;
    policy.proof = {
      beganMs: this.#options.clock.now(),
      waitsFor: "the controller to plan it",
      chassis: undefined,
      mark: undefined,
    };
    this.#waiting.add(policy);
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#isLooking || this.#signal.aborted || this.#waiting.size === 0) return;
    this.#isLooking = true;
    this.#callOff = this.#options.clock.after(lookMs, () => {
      this.#look()
        .catch((error: unknown) =>
          this.#options.log("error", "policies are not followed", { error: String(error) }),
        )
        .finally(() => {
          this.#isLooking = false;
          this.#lookSoon();
        });
    });
  }

  async #look(): Promise<void> {
    const { clock } = this.#options;
    const slicer = new Slicer(clock.now);
    const lookInDatabase = policyLookup(this.#options);
    for (const policy of this.#waiting) {
      if (slicer.due) await slicer.pause();
      const { owner, proof } = policy;
      if (!proof || proof.chassis) continue;
      const found = lookInDatabase(owner, this.#refused.get(owner));
      if ("waitsFor" in found) proof.waitsFor = found.waitsFor;
      // Each policy proves once that its chassis have installed it; that chassis keep up after that is watched by
      // beat.ts.
      else if (policy.inForceSince !== undefined) this.#proven(policy, proof);
      else {
        proof.waitsFor = "OVN to number this state of the database";
        proof.chassis = found.chassis;
      }
    }
    this.#marking.ask(
      [...this.#waiting].flatMap(({ proof }) => (proof?.chassis && !proof.mark ? proof : [])),
    );
    const reached = new Map<Mark, ReadonlySet<string>>();
    for (const policy of this.#waiting) {
      const { proof } = policy;
      if (proof?.mark && proof.chassis) {
        const at = reached.get(proof.mark) ?? proof.mark.reached;
        reached.set(proof.mark, at);
        const behind = proof.chassis.difference(at);
        if (behind.size === 0) this.#proven(policy, proof);
        else proof.waitsFor = behindText(behind, this.#options.nodeOf);
      }
      const patience = patienceMs + this.#marking.betweenMs;
      if (!policy.isLate && policy.proof && clock.now() - policy.proof.beganMs >= patience) {
        policy.isLate = true;
        this.#changed(policy, true);
      }
    }
  }

  #proven(policy: Tracked, proof: Proof): void {
    const { clock, news } = this.#options;
    const { isInherited, isLate } = policy;
    const isNew = policy.inForceSince === undefined;
    if (isNew) policy.inForceSince = new Date(clock.wall()).toISOString().replace(/\.\d+/, "");
    if (isNew && !isInherited) news.cameIntoForce(clock.now() - proof.beganMs);
    policy.isLate = false;
    policy.proof = undefined;
    this.#waiting.delete(policy);
    if (isNew || isLate) this.#changed(policy, isLate || !isInherited);
    if (policy.isStale) this.#prove(policy);
  }

  #changed({ owner }: Tracked, isNews: boolean): void {
    if (isNews) this.#events.add(owner);
    this.#options.onState?.(owner);
  }

  /** Tells people the policy's present state. */
  #tell(owner: Owner): void {
    const policy = this.#policies.get(owner);
    if (!policy) return;
    const { news } = this.#options;
    const { object, inForceSince, isLate, proof } = policy;
    if (isLate) news.notInForce(object, lateText(proof?.waitsFor ?? "", inForceSince));
    else if (inForceSince !== undefined) news.inForce(object, inForceText(inForceSince, this.#podsOf(owner)));
  }

  /** How many pods the policy selects. */
  #podsOf(owner: Owner): number {
    const { groups } = this.#options;
    const { kind, name } = parseOwner(owner);
    // A profile without rules has no subjects.
    const isProfile = policyKindOf(kind) === "SecurityProfile";
    const selected = isProfile
      ? [...groups.members("peer", profileMembers(name))]
      : groups.usedBy(owner, "subject").flatMap((one) => [...groups.members("subject", one)]);
    return new Set(selected.map(({ port }) => port)).size;
  }
}
