// Keeps a pod's packets back until its policies are in force. Three things have to be true, in this order: every policy
// older than the pod is known; the policies about the pod are in the database as they are now, and the port is in
// exactly the pod's groups; and, for a port that exists already, all of that has reached the chassis of the port, and
// the chassis of pods that a policy closes to this one.

import { isDeepStrictEqual } from "node:util";
import { Condition } from "../apply/condition.ts";
import type { Tell } from "../decide/deciding.ts";
import { ownerOfPod } from "../decide/podOwners.ts";
import type { PolicedPort, Policing } from "../decide/policing.ts";
import type { PolicyProof } from "../decide/policyProof.ts";
import { ownerOfAnyPolicy, policiesAbout, policiesNaming, seenPod } from "../kinds/policies.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import type { AnyPolicy } from "../kube/clusterPolicy.ts";
import type { Pod } from "../kube/objects.ts";
import { type PolicyKind, policyText } from "../kube/policies.ts";
import type { Stores } from "../kube/stores.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import type { GroupIds } from "../observe/groupRows.ts";
import type { Observed } from "../observe/observed.ts";
import type { GroupView } from "../select/groups.ts";
import { idOf } from "../select/podGroup.ts";
import { type ProfileStanding, refusedPods } from "../select/profileStanding.ts";
import type { Enforced } from "./planner.ts";
import type { PolicyMembers } from "./policyMembers.ts";

export interface PodPolicingOptions {
  readonly stores: Pick<Stores, PolicyKind | "Namespace" | "Pod">;
  readonly groups: Pick<GroupView, "unconfirmed" | "meantFor">;
  readonly standingOf: (pod: Pod) => ProfileStanding;
  readonly observed: Pick<Observed, "isExactlyIn">;
  readonly proof: Pick<PolicyProof, "known">;
  readonly members: Pick<PolicyMembers, "filed" | "carriers">;
  readonly enforced: Enforced;
  /** Whether the owner's facts are those of its present object, and nothing else that they depend on waits for it. */
  readonly isPlanned: (owner: Owner) => boolean;
  readonly enqueue: (owner: Owner) => void;
  readonly tell: Pick<Tell, "refused">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A port that is to pass packets. */
interface Case {
  readonly port: PolicedPort;
  readonly ending: AbortController;
  /** The policies about the pod, perhaps none, once all of them are in force; undefined before. */
  inForce: readonly AnyPolicy[] | undefined;
}

const refusedOwner = ownerOf("subject", idOf(refusedPods));

/** How long a pod waits before people are told what it waits for. */
const patienceMs = 5_000;
/**
 * How long a pod waits for chassis other than its own. One whose ovn-controller hangs must not keep pods from starting
 * everywhere.
 */
const elsewhereMs = 10_000;
const retryMs = 1_000;

export class PodPolicing implements Policing {
  readonly #options: PodPolicingOptions;
  /** uid of a pod -> its port */
  readonly #cases = new Map<string, Case>();
  readonly #progress = new Condition();

  constructor(options: PodPolicingOptions) {
    this.#options = options;
    const stop = options.stores.Pod.subscribe((changes) => {
      for (const { old, new: now } of changes) if (old && old.uid !== now?.uid) this.#forget(old.uid);
    });
    options.signal.addEventListener("abort", stop);
  }

  async prepared(pod: Pod): Promise<void> {
    const { signal } = this.#options;
    using waiting = this.#waiting(pod);
    await this.#settled(pod, waiting, signal);
  }

  isInForce(pod: Pod, port: PolicedPort): boolean {
    const known = this.#cases.get(pod.uid);
    const isSame = known !== undefined && isDeepStrictEqual(known.port, port);
    if (isSame && !known.inForce) return false;
    if (isSame && known.inForce && isSameList(known.inForce, this.#about(pod))) return true;
    this.#forget(pod.uid);
    const begun: Case = { port, ending: new AbortController(), inForce: undefined };
    this.#cases.set(pod.uid, begun);
    void this.#bringAbout(pod, begun);
    return false;
  }

  /** Something has been planned, or has changed in the database. */
  look(): void {
    this.#progress.notify();
  }

  #forget(uid: string): void {
    this.#cases.get(uid)?.ending.abort();
    this.#cases.delete(uid);
  }

  async #bringAbout(pod: Pod, begun: Case): Promise<void> {
    const { enqueue, clock, log } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, begun.ending.signal]);
    using waiting = this.#waiting(pod);
    while (!signal.aborted) {
      try {
        const policies = await this.#settled(pod, waiting, signal);
        if (await this.#reached(pod, begun.port, policies, waiting, signal)) {
          begun.inForce = policies;
          enqueue(ownerOf("pool", pod.nodeName));
          return;
        }
      } catch (error) {
        if (!signal.aborted) log("debug", "policies are not in force yet", { pod: nameOf(pod), error });
      }
      await pause(clock, retryMs, signal);
    }
  }

  /**
   * The policies about the pod. Resolves once all policies older than the pod are known, and those about it are in the
   * database as they are now.
   */
  async #settled(pod: Pod, waiting: Waiting, signal: AbortSignal): Promise<readonly AnyPolicy[]> {
    const { proof, groups, members, isPlanned, enqueue, enforced } = this.#options;
    const isPlannedOrQueued = (owner: Owner): boolean => {
      if (isPlanned(owner)) return true;
      enqueue(owner);
      return false;
    };
    for (;;) {
      waiting.for = `every policy for namespace ${pod.namespace} that is older than the pod is known`;
      await proof.known(this.#present(pod));
      await this.#progress.until(() => !groups.unconfirmed.mayMissPolicyIn(pod.namespace), signal);
      waiting.for = "it is known whether the pod may have the security profiles that it asks for";
      await this.#progress.until(() => !this.#standing(pod).isUnknown, signal);
      if (this.#isClosed(pod)) {
        waiting.for = "the rules that close the pod because of its security profiles are in the database";
        await this.#progress.until(() => isPlannedOrQueued(refusedOwner), signal);
        await enforced.committed(refusedOwner);
      }
      const policies = this.#about(pod);
      for (const policy of policies) {
        waiting.for = `${policyText(policy)} is in the database`;
        const owner = ownerOfAnyPolicy(policy);
        await this.#progress.until(() => isPlannedOrQueued(owner), signal);
        await enforced.committed(owner);
        // A pod missing from a NetworkPolicy's peers is merely not allowed yet; missing from a policy of the cluster,
        // it may be open where it must not be.
        if (policy.kind !== "NetworkPolicy") await members.filed(owner);
        signal.throwIfAborted();
      }
      if (isSameList(policies, this.#about(pod))) return policies;
    }
  }

  /** Whether these policies are in force on the port, and nothing of an earlier pod is left there. */
  async #reached(
    pod: Pod,
    port: PolicedPort,
    policies: readonly AnyPolicy[],
    waiting: Waiting,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { enforced, observed } = this.#options;
    const isFiled = (): boolean => observed.isExactlyIn(port, this.#groupsOf(pod, port));
    waiting.for = "the database has its port in exactly the groups that its policies call for";
    await this.#progress.until(isFiled, signal);
    if (policies.length > 0 || this.#isClosed(pod)) {
      waiting.for = `its policies are in force on the chassis of its port, ${port.chassis ?? "not known yet"}`;
      if (port.chassis === undefined) return false;
      const elsewhere = this.#closedElsewhere(pod, port.chassis, signal);
      if ((await enforced.installed(ownerOfPod(pod), [port.chassis], signal)) !== "installed") return false;
      waiting.for = "the policies that close other pods to it are in force on the chassis of those pods";
      if (!(await elsewhere)) return false;
    }
    return isSameList(policies, this.#about(pod)) && isFiled();
  }

  /** Whether the pods that a policy closes to this one are closed on their chassis, or the wait for that is over. */
  async #closedElsewhere(pod: Pod, own: string, signal: AbortSignal): Promise<boolean> {
    const { enforced, members, stores, clock, log } = this.#options;
    const naming = policiesNaming(this.#present(pod), stores);
    const chassis = new Set(naming.flatMap((policy) => [...members.carriers(ownerOfAnyPolicy(policy))]));
    chassis.delete(own);
    if (chassis.size === 0) return true;
    using ending = new Ending(signal);
    const late = pause(clock, elsewhereMs, ending.signal).then(() => "late" as const);
    const reached = enforced.installed(ownerOfPod(pod), [...chassis], ending.signal);
    reached.catch(() => undefined);
    const outcome = await Promise.race([reached, late]);
    if (outcome === "late" && !signal.aborted)
      log("warn", "a chassis is behind, and may let a new pod's packets through that a policy forbids", {
        pod: nameOf(pod),
        policies: naming.map(policyText),
        chassis: [...chassis].slice(0, 10),
      });
    return outcome !== "unknown";
  }

  #groupsOf(pod: Pod, { addresses }: PolicedPort): GroupIds {
    const { groups, stores } = this.#options;
    return groups.meantFor(seenPod(this.#present(pod), stores), addresses);
  }

  #about(pod: Pod): readonly AnyPolicy[] {
    return policiesAbout(this.#present(pod), this.#options.stores);
  }

  #standing(pod: Pod): ProfileStanding {
    return this.#options.standingOf(this.#present(pod));
  }

  /** Whether the pod asks for a profile that it may not have. */
  #isClosed(pod: Pod): boolean {
    return this.#standing(pod).refused !== undefined;
  }

  /** The pod as it is now. */
  #present(pod: Pod): Pod {
    const now = this.#options.stores.Pod.get(pod.namespace, pod.name);
    return now?.uid === pod.uid ? now : pod;
  }

  /** Tells people what the pod waits for, if that takes long. */
  #waiting(pod: Pod): Waiting {
    const { clock, tell } = this.#options;
    const waiting = {
      for: "",
      [Symbol.dispose]: clock.after(patienceMs, () =>
        tell.refused(this.#present(pod), `its packets do not pass until ${waiting.for}`),
      ),
    };
    return waiting;
  }
}

/** Aborts when it is disposed of, or when `outer` does. */
class Ending implements Disposable {
  readonly #own = new AbortController();
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#own.signal]);
  }

  [Symbol.dispose](): void {
    this.#own.abort();
  }
}

interface Waiting extends Disposable {
  /** For people: what has to be true next. */
  for: string;
}

const isSameList = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

const nameOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;
