// How a node joins the network: in overlay mode (overlay.ts) or in underlay mode (underlay.ts). upkeep.ts keeps it
// so.

import type { Node } from "../kube/objects.ts";
import type { Cidr } from "../model/ip.ts";
import type { Progress } from "./health/readiness.ts";
import type { Check } from "./nouns/check.ts";

/** What is known about the node's place in the cluster. */
export interface Place {
  /** Undefined when there is no such Node, or the API server has not reported it yet. */
  readonly node: Node | undefined;
  /** The Node's subnets; while the API server is away, those of an earlier run. Undefined when there are none yet. */
  readonly subnets: readonly Cidr[] | undefined;
}

/** Takes checks of what has been set on the node. */
export type Keep = (...checks: readonly Check[]) => void;

export interface NodePlan {
  /**
   * Does what can be done now. When it reports that the node is not ready, a later change of the Node or of the Open
   * vSwitch database will complete it. Rejects when a step failed and should be retried. It hands to `keep` a check of
   * each thing that it has set.
   */
  readonly bringUp: (place: Place, keep: Keep) => Promise<Progress>;
  /** Everything in the database that `bringUp` depends on, as text: when this changes, `bringUp` should run again. */
  readonly dependencies: () => string;
  /** Calls `touched` when something that has a check may have been changed. Returns when `signal` is aborted. */
  readonly follow?: (touched: () => void, signal: AbortSignal) => Promise<void>;
}

export const waiting = (reason: string): Progress => ({ ready: false, reason });

/** `plan`, followed by a check, `notReady`, of what is still missing according to the database. */
export const planWith = (plan: NodePlan, notReady: () => string | undefined): NodePlan => ({
  ...plan,
  bringUp: async (place, keep) => {
    const progress = await plan.bringUp(place, keep);
    const reason = progress.ready ? notReady() : undefined;
    return reason === undefined ? progress : waiting(reason);
  },
  dependencies: () => `${plan.dependencies()}\n${notReady() ?? ""}`,
});
