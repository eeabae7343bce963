// Addresses chosen by the controller, read from the pod's annotation. Only the annotation of the pod with the UID
// that the runtime names counts: a pod of the same name that is being deleted still has one, and its address may be
// given away at any moment.
//
// Anyone who may patch the pod may have written the annotation. Addresses that no pod of this node can have are
// ignored. The rest are tried, and OVN decides: the interface's version names the addresses (model/portVersion.ts), so
// ovn-controller installs the port only if they are those in the row that the controller wrote.

import { isDeepStrictEqual } from "node:util";
import { nodeSubnetsOf, podNetworkOf } from "../../kube/annotations.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import { isMeant, lastingUid } from "../../kube/staticPod.ts";
import { annotations, type Names } from "../../model/names.ts";
import type { PodNetwork } from "../../model/network.ts";
import { portVersionOf } from "../../model/portVersion.ts";
import { doubtAbout } from "../../model/site.ts";
import type { AddressSource, Claim } from "../nouns/addressSource.ts";
import type { AttachmentId, PodIdentity } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { Pods } from "../nouns/pods.ts";
import { type Source, whenever } from "../wait/whenever.ts";

export interface AssignedAddressesOptions {
  readonly pods: Pods;
  readonly nodes: Source & { get(namespace: string, name: string): Node | undefined };
  readonly nodeName: string;
  readonly names: Names;
}

export class AssignedAddresses implements AddressSource {
  readonly #options: AssignedAddressesOptions;
  readonly #pods: Pods;

  constructor(options: AssignedAddressesOptions) {
    this.#options = options;
    this.#pods = options.pods;
  }

  subscribe(listener: () => void): () => void {
    return this.#pods.subscribe(listener);
  }

  async claim(pod: PodIdentity, _id: AttachmentId, signal: AbortSignal): Promise<Claim> {
    try {
      return await whenever([this.#pods, this.#options.nodes], signal, () => this.#look(pod));
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new CniError(cniCode.tryAgainLater, this.#missing(pod), { cause: error });
    }
  }

  /**
   * Not when the pod states other addresses: the ones tried may be a lie that the controller has corrected, or a choice of a
   * leader that had lost its lease.
   */
  holds({ namespace, podName, podUid, network }: Claim): boolean {
    const pod = this.#pods.get(namespace, podName);
    if (pod?.uid !== podUid) return false;
    const stated = this.#statedBy(pod);
    return "doubt" in stated || isDeepStrictEqual(stated.network, network);
  }

  /** Nothing to do: the port belongs to the pod already, until the pod is gone. */
  take(): void {}

  settle(): void {}

  release(): void {}

  #look(wanted: PodIdentity): Claim | undefined {
    const pod = this.#pods.get(wanted.namespace, wanted.name);
    if (!pod || (wanted.uid !== undefined && !isMeant(pod, wanted.uid))) return undefined;
    if (pod.hostNetwork) {
      const reason = `pod ${wanted.namespace}/${wanted.name} uses the node's own network; it gets no interface`;
      throw new CniError(cniCode.invalidConfiguration, reason);
    }
    const stated = this.#statedBy(pod);
    if ("doubt" in stated) return undefined;
    const { network } = stated;
    const { namespace, name: podName, uid: podUid } = pod;
    const portName = this.#options.names.podPort(namespace, podName);
    const portVersion = portVersionOf(lastingUid(pod), network);
    return { namespace, podName, podUid, portName, portVersion, tag: undefined, network };
  }

  /** The network that the pod's annotation states, if the pod can have it. */
  #statedBy(pod: Pod): { readonly network: PodNetwork } | { readonly doubt: string } {
    const { nodes, nodeName: name } = this.#options;
    const network = podNetworkOf(pod);
    if (!network) return { doubt: "the Weft controller has not given it an address yet" };
    const node = nodes.get("", name);
    const subnets = node && nodeSubnetsOf(node);
    if (!subnets) return { doubt: `node ${name} has no subnet yet` };
    const doubt = doubtAbout(network, { name, subnets });
    return doubt === undefined
      ? { network }
      : {
          doubt: `its annotation ${annotations.podNetworks} is not the Weft controller's: ${doubt}`,
        };
  }

  #missing({ namespace, name, uid }: PodIdentity): string {
    const who = `pod ${namespace}/${name}`;
    const pod = this.#pods.get(namespace, name);
    if (pod && (uid === undefined || isMeant(pod, uid))) {
      const stated = this.#statedBy(pod);
      const reason = "doubt" in stated ? stated.doubt : "it has an address now";
      return `${who}: ${reason}; see kubectl -n ${namespace} describe pod ${name}`;
    }
    if (this.#pods.lagging)
      return `${who}: this node's agent receives no updates about its pods from the API server`;
    return pod
      ? `${who}: waited for the pod with UID ${uid}, but the pod of that name in the API server has UID ${pod.uid}`
      : `${who}: the API server knows no such pod on this node`;
  }
}
