// Addresses chosen by the controller, read from the pod's annotation. Only the annotation of the pod with the UID
// that the runtime names counts: a pod of the same name that is being deleted still has one, and its address may be
// given away at any moment.

import { isDeepStrictEqual } from "node:util";
import { podNetworkOf } from "../kube/annotations.ts";
import { isMeant } from "../kube/staticPod.ts";
import type { Names } from "../model/names.ts";
import type { AddressSource, Claim } from "./nouns/addressSource.ts";
import type { AttachmentId, PodIdentity } from "./nouns/attachment.ts";
import { CniError, cniCode } from "./nouns/cniError.ts";
import type { Pods } from "./nouns/pods.ts";
import { whenever } from "./wait/whenever.ts";

export class AssignedAddresses implements AddressSource {
  readonly #pods: Pods;
  readonly #names: Names;

  constructor(pods: Pods, names: Names) {
    this.#pods = pods;
    this.#names = names;
  }

  subscribe(listener: () => void): () => void {
    return this.#pods.subscribe(listener);
  }

  async claim(pod: PodIdentity, _id: AttachmentId, signal: AbortSignal): Promise<Claim> {
    try {
      return await whenever([this.#pods], signal, () => this.#look(pod));
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new CniError(cniCode.tryAgainLater, this.#missing(pod), { cause: error });
    }
  }

  /**
   * Compares the addresses too. A leader that has lost its lease may still write its choice over its successor's,
   * which then writes its own again.
   */
  holds({ namespace, podName, podUid, network }: Claim): boolean {
    const pod = this.#pods.get(namespace, podName);
    const stated = pod?.uid === podUid ? podNetworkOf(pod) : undefined;
    return stated !== undefined && isDeepStrictEqual(stated, network);
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
    const network = podNetworkOf(pod);
    if (!network) return undefined;
    const { namespace, name: podName, uid: podUid } = pod;
    const portName = this.#names.podPort(namespace, podName);
    return { namespace, podName, podUid, portName, portVersion: podUid, tag: undefined, network };
  }

  #missing({ namespace, name, uid }: PodIdentity): string {
    const who = `pod ${namespace}/${name}`;
    const pod = this.#pods.get(namespace, name);
    if (pod && (uid === undefined || isMeant(pod, uid))) {
      return `${who}: the Weft controller has not given it an address yet; see kubectl -n ${namespace} describe pod ${name}`;
    }
    if (this.#pods.lagging) return `${who}: this node's agent gets no news of its pods from the API server`;
    return pod
      ? `${who}: waited for the pod with UID ${uid}, but the pod of that name in the API server has UID ${pod.uid}`
      : `${who}: the API server knows no such pod on this node`;
  }
}
