// What becomes of policies once they are planned: pods wait for those that are about them, people are told which are in
// force, and their conditions are written.

import type { Policing } from "../decide/policing.ts";
import { PolicyProof } from "../decide/policyProof.ts";
import { ownerKinds } from "../kinds/kinds.ts";
import { policyKindOf } from "../kinds/policies.ts";
import { patternsIn } from "../kube/clusterPolicy.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { learnedObjectName } from "../kube/learnedName.ts";
import type { ResolvedNode } from "../model/network.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import type { Grouping } from "./grouping.ts";
import type { Planner } from "./planner.ts";
import type { PlanningApplied, PlanningOptions } from "./planningOptions.ts";
import { PodPolicing } from "./podPolicing.ts";
import { PolicyConditions } from "./policyConditions.ts";
import { PolicyMembers } from "./policyMembers.ts";
import { PolicyStates } from "./policyStates.ts";
import type { OwnerQueue } from "./queue.ts";

type FromPlanning = Pick<
  PlanningOptions,
  "client" | "server" | "stores" | "observed" | "tell" | "policyNews" | "clock" | "log"
>;

export interface PolicyWorkOptions extends FromPlanning {
  readonly grouping: Pick<Grouping, "groups" | "standings">;
  readonly applied: PlanningApplied;
  /** Undefined while nothing can be planned yet. */
  readonly planner: () => Pick<Planner, "isPlanned" | "shortfallOf"> | undefined;
  readonly queue: Pick<OwnerQueue, "add" | "isWaiting">;
  readonly signal: AbortSignal;
}

export class PolicyWork {
  readonly #options: PolicyWorkOptions;
  readonly #pods: PodPolicing | undefined;
  #states: PolicyStates | undefined;
  #conditions: PolicyConditions | undefined;

  constructor(options: PolicyWorkOptions) {
    this.#options = options;
    this.#pods = this.#podPolicing();
  }

  /** What pods wait for; undefined when nothing is sent, so that none waits. */
  get policing(): Policing | undefined {
    return this.#pods;
  }

  /** Which policies are in force; undefined before that is followed. */
  get states(): PolicyStates | undefined {
    return this.#states;
  }

  /** Something that pods wait for may have changed. */
  look(): void {
    this.#pods?.look();
  }

  /** The owner has been planned, as this object if it has one. */
  planned(owner: Owner, object: KubeObject | undefined): void {
    this.#conditions?.look(owner);
    // Plans of pods are skipped: no pod waits for another pod's plan, and when a cluster starts, thousands wait for
    // policies.
    if (object?.kind !== "Pod") this.look();
  }

  /** Follows which policies are in force. The groups must be complete. */
  begin(nodes: () => Iterable<ResolvedNode>): void {
    const { stores, observed, grouping, applied, planner, queue, policyNews: news } = this.#options;
    const { clock, log, signal } = this.#options;
    const { reach } = applied;
    if (!reach || !news) return;
    const states = (this.#states = new PolicyStates(
      {
        ...{ kinds: ownerKinds, stores, groups: grouping.groups, observed, news, clock, log },
        nodeOf: (chassis) => [...nodes()].find(({ chassisId }) => chassisId === chassis)?.name,
        isPlanned: (owner) => planner()?.isPlanned(owner) === true,
        enqueue: (owner) => queue.add(owner),
        machinesOf: this.#machinesOf,
        unheardIn: this.#unheardIn,
        isCommitted: reach.isCommitted,
        mark: reach.mark,
        onState: (owner) => this.#conditions?.look(owner),
      },
      signal,
    ));
    this.#conditions = new PolicyConditions({
      ...{ stores, write: news.condition, clock, log, signal },
      stateOf: (owner) => states.stateOf(owner),
      shortfallOf: (owner) => planner()?.shortfallOf(owner),
    });
    states.begin((owner) => observed.hasRows(owner));
  }

  #podPolicing(): PodPolicing | undefined {
    const { client, server, stores, observed, tell, grouping, applied, planner, queue } = this.#options;
    const { clock, log, signal } = this.#options;
    const { committed, reach } = applied;
    if (!reach) return undefined;
    const { installed, isCommitted } = reach;
    const { groups, standings } = grouping;
    const planned = {
      isPlanned: (owner: Owner) => planner()?.isPlanned(owner) === true && !queue.isWaiting(owner),
      enqueue: (owner: Owner) => queue.add(owner),
    };
    const machinesOf = this.#machinesOf;
    return new PodPolicing({
      ...{ stores, groups, observed, tell, clock, log, signal, ...planned },
      proof: new PolicyProof({ client, server, stores, clock, log, signal }),
      standingOf: (pod) => standings.of(pod),
      members: new PolicyMembers({ groups, observed, machinesOf, isCommitted, clock, signal, ...planned }),
      enforced: { committed, installed },
    });
  }

  readonly #machinesOf = (policy: Owner): readonly string[] => {
    const { kind, name } = parseOwner(policy);
    if (policyKindOf(kind) !== "SecurityProfile") return [];
    return this.#options.stores.SecurityProfile.get("", name)?.ports ?? [];
  };

  /** A resolver makes an object for each name that a policy has, before it hears any answer. */
  readonly #unheardIn = (owner: Owner): string | undefined => {
    const { kind, name } = parseOwner(owner);
    const { stores } = this.#options;
    if (policyKindOf(kind) !== "ClusterNetworkPolicy") return undefined;
    const policy = stores.ClusterNetworkPolicy.get("", name);
    return [...(policy ? patternsIn(policy) : [])].find(
      (pattern) => !stores.LearnedName.get("", learnedObjectName(pattern)),
    );
  };
}
