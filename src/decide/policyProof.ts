// Proves that the controller knows every NetworkPolicy that is older than a pod. When the watch has not come that far
// yet, a list settles it (kube/sameList.ts). Resource versions of one API server are ordered across kinds, see
// docs/decisions/0015.

import type { Verdict } from "../decide/pools.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Log } from "../kube/clock.ts";
import { kinds } from "../kube/kinds.ts";
import { selects } from "../kube/labelSelector.ts";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { Pod } from "../kube/objects.ts";
import { sameListVersion } from "../kube/sameList.ts";
import type { Store } from "../kube/store.ts";
import { isAtLeast } from "../kube/version.ts";

const betweenListsMs = 500;

export interface PolicyProofOptions {
  readonly client: KubeClient;
  readonly policies: Store<NetworkPolicy>;
  /** Called when more is known than before. */
  readonly onProgress: () => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class PolicyProof {
  readonly #options: PolicyProofOptions;
  /** All policies up to this version are known, even if the watch has not said so. */
  #proven = "";
  #isAsking = false;

  constructor(options: PolicyProofOptions) {
    this.#options = options;
  }

  /**
   * `free`: it is proven that no policy older than this version of the pod selects it. `unknown` starts the search for
   * a proof.
   */
  verdictOn(pod: Pod): Verdict {
    const { policies } = this.#options;
    if (policies.by("namespace", pod.namespace).some(({ podSelector }) => selects(podSelector, pod.labels)))
      return "selected";
    const { resourceVersion } = policies.freshness;
    if (isAtLeast(resourceVersion, pod.resourceVersion) || isAtLeast(this.#proven, pod.resourceVersion))
      return "free";
    void this.#ask();
    return "unknown";
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { client, policies, log, onProgress, signal } = this.#options;
    try {
      const version = await sameListVersion({
        client,
        resource: kinds.NetworkPolicy,
        namespace: "",
        held: () => policies.values(),
        signal,
      });
      if (version !== undefined) this.#proven = version;
    } catch (error) {
      if (!signal.aborted)
        log("warn", "NetworkPolicies cannot be listed; closed ports stay closed", { error });
    }
    await new Promise((resolve) => setTimeout(resolve, betweenListsMs));
    this.#isAsking = false;
    if (!signal.aborted) onProgress();
  }
}
