// Whether the database has every pod that a policy speaks of, and which chassis carry those that it selects: for pods that
// wait for the policy. All who wait share one look at a group's members, and a group that has been complete once is not
// looked at again: a pod that joins it later is in it before the pod's own port works.

import { type Clock, pause } from "../kube/clock.ts";
import type { Owner } from "../model/owner.ts";
import type { Groups, Role } from "../select/groups.ts";
import { idOf, type PodGroup } from "../select/podGroup.ts";
import { carriersOf, isInDatabase, machineCarriersOf, type PolicyLookup } from "./policyLookup.ts";

export interface PolicyMembersOptions
  extends Pick<PolicyLookup, "groups" | "observed" | "machinesOf" | "isCommitted"> {
  readonly groups: PolicyLookup["groups"] & Pick<Groups, "isUsed">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const lookMs = 100;

export class PolicyMembers {
  readonly #options: PolicyMembersOptions;
  readonly #complete = new WeakSet<PodGroup>();
  readonly #looking = new Map<PodGroup, Promise<void>>();

  constructor(options: PolicyMembersOptions) {
    this.#options = options;
  }

  /** Resolves when the database has all pods that the policy speaks of, and when the term ends. */
  async filed(policy: Owner): Promise<void> {
    const { groups } = this.#options;
    for (const role of ["subject", "peer"] as const)
      for (const group of groups.usedBy(policy, role))
        if (!this.#complete.has(group)) await this.#filed(role, group);
  }

  /** The names of the chassis that carry the pods which the policy selects, and machines. */
  carriers(policy: Owner): ReadonlySet<string> {
    const subjects = this.#options.groups.usedBy(policy, "subject");
    return new Set([
      ...subjects.flatMap((group) => [...carriersOf(this.#options, group)]),
      ...machineCarriersOf(this.#options, policy),
    ]);
  }

  #filed(role: Role, group: PodGroup): Promise<void> {
    const looking = this.#looking.get(group) ?? this.#look(role, group);
    this.#looking.set(group, looking);
    return looking;
  }

  async #look(role: Role, group: PodGroup): Promise<void> {
    const { groups, clock, signal } = this.#options;
    while (groups.isUsed(role, idOf(group)) && !isInDatabase(this.#options, role, group)) {
      await pause(clock, lookMs, signal);
      if (signal.aborted) break;
    }
    this.#looking.delete(group);
    if (!signal.aborted) this.#complete.add(group);
  }
}
