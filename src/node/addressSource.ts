// Where a pod's address comes from. Today the controller has decided it and written it on the pod; a node that keeps
// a pool of ready ports will be a second implementation, and nothing else of the agent will notice.

import type { PodNetwork } from "../model/network.ts";
import type { PodIdentity } from "./runtime/request.ts";
import type { Source } from "./whenever.ts";

/** A pod's place in the network: which OVN port it is, and what its interface must look like. */
export interface Claim {
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  /** Name of the logical switch port; the interface becomes it through `iface-id`. */
  readonly portName: string;
  readonly network: PodNetwork;
}

export interface AddressSource extends Source {
  /**
   * The pod's place, as soon as there is one. Rejects with a CniError when the pod can have none, and when `signal` is
   * aborted: then the error says what was waited for.
   */
  claim(pod: PodIdentity, signal: AbortSignal): Promise<Claim>;

  /** Whether `claim` still is the pod's; subscribers hear when it ceases to be. */
  holds(claim: Claim): boolean;
}
