// Whether the controller knows every NetworkPolicy that is older than a pod. When its watch does not say that it has come so
// far, that is found out by a list (kube/sameList.ts). Versions of one API server are ordered across kinds, see
// docs/decisions/0015.

import type { Verdict } from "../decide/pools.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Log } from "../kube/clock.ts";
import { kinds } from "../kube/kinds.ts";
import { selects } from "../kube/labelSelector.ts";
import type { NetworkPolicy, Pod } from "../kube/objects.ts";
import { sameListVersion } from "../kube/sameList.ts";
import type { Store } from "../kube/store.ts";
import { isAtLeast } from "../kube/version.ts";

const betweenListsMs = 500;

export interface PolicyProofOptions {
  readonly client: KubeClient;
  readonly policies: Store<NetworkPolicy>;
  /** More is known than before. */
  readonly onProgress: () => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class PolicyProof {
  readonly #options: PolicyProofOptions;
  /** Everything up to here is known, beyond what the watch says of itself. */
  #proven = "";
  #isAsking = false;

  constructor(options: PolicyProofOptions) {
    this.#options = options;
  }

  /** `free`: provably no policy that is older than the pod as it is now selects it. What is unknown is being found out. */
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
