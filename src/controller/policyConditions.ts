// Says on policies of the whole cluster whether they are in force. A condition follows from what is known now: it is written
// when the object says something else, so a restarted controller writes nothing, and what somebody has removed comes back.

import { isDeepStrictEqual } from "node:util";
import { policyKindOf } from "../kinds/policies.ts";
import type { Clock, Log } from "../kube/clock.ts";
import type { ClusterPolicy } from "../kube/clusterPolicy.ts";
import { isConflict, KubeError } from "../kube/error.ts";
import { isClusterPolicy, type PolicyKind, policyText } from "../kube/policies.ts";
import type { PolicyCondition } from "../kube/policyCondition.ts";
import { isSecurityProfile } from "../kube/securityProfile.ts";
import type { Stores } from "../kube/stores.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import { Drip } from "./drip.ts";
import type { Shortfall } from "./planner.ts";
import { lateText } from "./policyNews.ts";
import type { PolicyState } from "./policyStates.ts";

export interface PolicyConditionsOptions {
  readonly stores: Pick<Stores, PolicyKind>;
  /** Undefined while the policy has been on its way for only a short time. */
  readonly stateOf: (policy: Owner) => PolicyState | undefined;
  /** What of the policy has no effect. */
  readonly shortfallOf: (policy: Owner) => Shortfall | undefined;
  readonly write: (policy: ClusterPolicy, condition: PolicyCondition) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const betweenWritesMs = 50;
const againMs = 1_000;
const afterFailureMs = 30_000;

export class PolicyConditions {
  readonly #options: PolicyConditionsOptions;
  readonly #writes: Drip<Owner>;

  constructor(options: PolicyConditionsOptions) {
    this.#options = options;
    const { clock, signal } = options;
    this.#writes = new Drip({
      act: (owner) => void this.#write(owner),
      ...{ everyMs: betweenWritesMs, againMs, clock, signal },
    });
  }

  /** Something about the policy may have changed. */
  look(owner: Owner): void {
    if (this.#missing(owner)) this.#writes.add(owner);
  }

  /** The condition to write on the policy; undefined when the object has it already or there is none. */
  #missing(
    owner: Owner,
  ): { readonly policy: ClusterPolicy; readonly condition: PolicyCondition } | undefined {
    const { stores, stateOf, shortfallOf } = this.#options;
    const { kind, name } = parseOwner(owner);
    const of = policyKindOf(kind);
    const policy = of && stores[of].get("", name);
    const state = stateOf(owner);
    if (!policy || !isClusterPolicy(policy) || !state) return undefined;
    const condition = conditionOf(policy, state, shortfallOf(owner));
    return isDeepStrictEqual(condition, policy.condition) ? undefined : { policy, condition };
  }

  async #write(owner: Owner): Promise<void> {
    const { write, clock, log, signal } = this.#options;
    const missing = this.#missing(owner);
    if (!missing) return;
    try {
      await write(missing.policy, missing.condition);
    } catch (error) {
      if (signal.aborted) return;
      // Somebody else has written the policy, and the watch is about to show that.
      if (isConflict(error)) return this.#writes.add(owner);
      const policy = policyText(missing.policy);
      const isUseless = error instanceof KubeError && !error.retryable;
      log("warn", "a condition of a policy cannot be written", { policy, error });
      if (!isUseless) clock.after(afterFailureMs, () => this.look(owner));
    }
  }
}

function conditionOf(
  policy: ClusterPolicy,
  state: PolicyState,
  shortfall: Shortfall | undefined,
): PolicyCondition {
  const { generation: observedGeneration } = policy;
  if (state.waitsFor !== undefined)
    return {
      ...{ status: "False", reason: "NotInForce", observedGeneration },
      message: lateText(state.waitsFor, state.inForceSince),
    };
  if (shortfall) return { status: "False", ...shortfall, observedGeneration };
  return {
    ...{ status: "True", reason: "InForce", observedGeneration },
    message: `installed on every node with a pod that it selects${elsewhereText(policy)}`,
  };
}

/** Where the rules of a profile hold besides at its pods, and where they do not. */
function elsewhereText(policy: ClusterPolicy): string {
  if (!isSecurityProfile(policy) || policy.ingress.length + policy.egress.length === 0) return "";
  const ports = policy.ports.length > 0 ? ", and at the ports of its machines" : "";
  const addresses =
    policy.addresses.length > 0
      ? "; where it is given by address, others' rules know it, and its own are not enforced"
      : "";
  return ports + addresses;
}
