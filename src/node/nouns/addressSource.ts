// Where a pod's address comes from. Either the controller has chosen it and written it on the pod
// (runtime/assignedAddresses.ts), or the node has a pool of ready ports (pool/pooledAddresses.ts). The rest of the agent does
// not notice the difference.

import type { PodNetwork } from "../../model/network.ts";
import type { VswitchTables } from "../../ovn/vswitch.gen.ts";
import type { Transaction } from "../../ovsdb/index.ts";
import type { Source } from "../wait/whenever.ts";
import type { AttachmentId, PodIdentity } from "./attachment.ts";

/** A pod's place in the network: which OVN port it is, and what its interface must look like. */
export interface Claim {
  readonly namespace: string;
  readonly podName: string;
  /** Empty when the runtime did not name it. */
  readonly podUid: string;
  /** Name of the logical switch port. The interface carries it in `iface-id`. */
  readonly portName: string;
  /** Which pod with which addresses, in `iface-id-ver`; undefined where the port alone says so. */
  readonly portVersion: string | undefined;
  /** The VLAN tag of a nested port. */
  readonly tag: number | undefined;
  readonly network: PodNetwork;
}

export interface AddressSource extends Source {
  /**
   * Resolves as soon as the pod has a place; an attachment that has one gets the same again. `settle` must follow.
   * Rejects with a CniError when the pod can have none, or when `signal` is aborted; the error then says what was
   * waited for.
   */
  claim(pod: PodIdentity, id: AttachmentId, signal: AbortSignal): Promise<Claim>;

  /**
   * Adds operations that make the claim `id`'s to the transaction that plugs it in. If somebody else was faster, that
   * transaction fails with "timed out", and another claim may succeed.
   */
  take(tx: Transaction<VswitchTables>, claim: Claim, id: AttachmentId): void;

  /** The attachment is complete or has failed: the claim need not be kept for it any longer. */
  settle(claim: Claim): void;

  /**
   * Adds operations that give the address of `id` back to the transaction that unplugs it. Adds nothing if it has
   * none.
   */
  release(tx: Transaction<VswitchTables>, id: AttachmentId): void;

  /** Whether `claim` still belongs to `id`. Subscribers are told when that changes. */
  holds(claim: Claim, id: AttachmentId): boolean;
}
