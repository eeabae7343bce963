// How a node comes onto the network: the overlay's way (overlay.ts) or the underlay's (underlay.ts), kept up by upkeep.ts.

import type { Node } from "../kube/objects.ts";
import type { Cidr } from "../model/ip.ts";
import type { LinkSettings } from "./nouns/link.ts";

/** How far the node has come. */
export type Progress =
  | { readonly ready: true; readonly links: LinkSettings }
  | { readonly ready: false; readonly reason: string };

/** What is known of the node's place in the cluster. */
export interface Place {
  /** Undefined when there is none, and as long as the API server has not told. */
  readonly node: Node | undefined;
  /** The Node's, or while the API server is away those of an earlier run; undefined when there are none yet. */
  readonly subnets: readonly Cidr[] | undefined;
}

export interface NodePlan {
  /**
   * Does what can be done now. When it says that the node is not ready, a later change of the Node or of the Open vSwitch
   * database will bring it on. Rejects when a step failed and should be tried again.
   */
  readonly bringUp: (place: Place) => Promise<Progress>;
  /** What of the database `bringUp` depends on: when this text changes, it should run again. */
  readonly dependencies: () => string;
}

export const waiting = (reason: string): Progress => ({ ready: false, reason });

/** `plan`, and then whatever `notReady` still says is missing, which it reads from the database alone. */
export const planWith = (plan: NodePlan, notReady: () => string | undefined): NodePlan => ({
  bringUp: async (place) => {
    const progress = await plan.bringUp(place);
    const reason = progress.ready ? notReady() : undefined;
    return reason === undefined ? progress : waiting(reason);
  },
  dependencies: () => `${plan.dependencies()}\n${notReady() ?? ""}`,
});
