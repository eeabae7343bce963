// Whether the controller knows every NetworkPolicy that is older than a pod. Its watch may be behind, and says how far it
// has come only when something happens or about once a minute; so when somebody asks for more, a fresh list is compared
// with what the watch has brought: when that is all of it, everything up to the list's version is known. (Versions
// of one API server are ordered across kinds, see docs/decisions/0015.)

import type { Verdict } from "../decide/pools.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Log } from "../kube/clock.ts";
import { isRecord, record, text } from "../kube/json.ts";
import { kinds } from "../kube/kinds.ts";
import { selects } from "../kube/labelSelector.ts";
import type { NetworkPolicy, Pod } from "../kube/objects.ts";
import { pathOf } from "../kube/resource.ts";
import type { Store } from "../kube/store.ts";
import { isAtLeast } from "../kube/version.ts";

const betweenListsMs = 500;
const pageSize = 500;

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
    const { log, onProgress, signal } = this.#options;
    try {
      const version = await this.#compare();
      if (version !== undefined) this.#proven = version;
    } catch (error) {
      if (!signal.aborted)
        log("warn", "NetworkPolicies cannot be listed; closed ports stay closed", { error });
    }
    await new Promise((resolve) => setTimeout(resolve, betweenListsMs));
    this.#isAsking = false;
    if (!signal.aborted) onProgress();
  }

  /** The version of a list that holds nothing but what the store holds. */
  async #compare(): Promise<string | undefined> {
    const { client, policies, signal } = this.#options;
    let cursor: string | undefined;
    let count = 0;
    for (;;) {
      const page = await client.list(pathOf(kinds.NetworkPolicy), {
        query: { limit: pageSize, continue: cursor },
        signal,
      });
      for (const item of page.items) {
        const { namespace, name, resourceVersion } = record(isRecord(item) ? item.metadata : undefined);
        if (policies.get(text(namespace), text(name))?.resourceVersion !== resourceVersion) return undefined;
        count++;
      }
      if (page.continue === "") return count === policies.size ? page.resourceVersion : undefined;
      cursor = page.continue;
    }
  }
}
