// Where a pod's address comes from: the controller has decided it and written it on the pod (assignedAddresses.ts), or
// the node has a pool of ready ports (pool/pooledAddresses.ts). Nothing else of the agent notices the difference.

import type { PodNetwork } from "../../model/network.ts";
import type { VswitchTables } from "../../ovn/vswitch.gen.ts";
import type { Transaction } from "../../ovsdb/index.ts";
import type { Source } from "../wait/whenever.ts";
import type { AttachmentId, PodIdentity } from "./attachment.ts";

/** A pod's place in the network: which OVN port it is, and what its interface must look like. */
export interface Claim {
  readonly namespace: string;
  readonly podName: string;
  /** Empty when nobody has said it. */
  readonly podUid: string;
  /** Name of the logical switch port; the interface becomes it through `iface-id`. */
  readonly portName: string;
  /** Which incarnation of the port, as `iface-id-ver`; undefined where there is only one. */
  readonly portVersion: string | undefined;
  /** The VLAN of a nested port. */
  readonly tag: number | undefined;
  readonly network: PodNetwork;
}

export interface AddressSource extends Source {
  /**
   * The pod's place, as soon as there is one; the same again for an attachment that has one. `settle` must follow. Rejects
   * with a CniError when the pod can have none, and when `signal` is aborted: then the error says what was waited for.
   */
  claim(pod: PodIdentity, id: AttachmentId, signal: AbortSignal): Promise<Claim>;

  /**
   * Adds what makes the claim `id`'s to the transaction that plugs it in. That transaction fails, with "timed out", when
   * somebody else was faster: then another claim may succeed.
   */
  take(tx: Transaction<VswitchTables>, claim: Claim, id: AttachmentId): void;

  /** The attachment stands, or will not. */
  settle(claim: Claim): void;

  /** Adds what gives the address of `id` back to the transaction that unplugs it. Nothing, if it has none. */
  release(tx: Transaction<VswitchTables>, id: AttachmentId): void;

  /** Whether `claim` still is `id`'s; subscribers hear when it ceases to be. */
  holds(claim: Claim, id: AttachmentId): boolean;
}
