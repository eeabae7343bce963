// Proves that the controller knows every NetworkPolicy that is older than a pod. A watch says how far it has come only when
// something happens, or about once a minute, so the policies of the pod's namespace are listed and compared with what
// the watch has brought (kube/sameList.ts). A list that was asked for after the pod was seen shows all that is older than the
// pod; of an earlier list its version tells (docs/decisions/0015).

import type { KubeClient } from "../kube/client.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import { kinds } from "../kube/kinds.ts";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { Pod } from "../kube/objects.ts";
import { sameListVersion } from "../kube/sameList.ts";
import type { Store } from "../kube/store.ts";
import { isAtLeast } from "../kube/version.ts";

const betweenListsMs = 100;

export interface PolicyProofOptions {
  readonly client: Pick<KubeClient, "list">;
  readonly policies: Pick<Store<NetworkPolicy>, "by" | "freshness">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class PolicyProof {
  readonly #options: PolicyProofOptions;
  /** namespace -> version up to which a list has shown its policies */
  readonly #listed = new Map<string, string>();
  /** namespace -> the list under way */
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(options: PolicyProofOptions) {
    this.#options = options;
  }

  /** Resolves when every policy is known that is older than this version of the pod. Rejects when the signal aborts. */
  async known(pod: Pod): Promise<void> {
    const { clock, signal } = this.#options;
    while (!this.#knows(pod)) {
      signal.throwIfAborted();
      const isAsked = this.#asking.has(pod.namespace);
      const isSame = await this.#list(pod.namespace);
      if (isSame && !isAsked) return;
      // A list that was under way may be older than the pod; then the next one is asked for at once.
      if (!isSame) await pause(clock, betweenListsMs, signal);
    }
  }

  #knows({ namespace, resourceVersion: wanted }: Pod): boolean {
    const { resourceVersion } = this.#options.policies.freshness;
    return isAtLeast(resourceVersion, wanted) || isAtLeast(this.#listed.get(namespace) ?? "", wanted);
  }

  /** Whether the watch has brought what a list shows. Callers share a list that is under way. */
  #list(namespace: string): Promise<boolean> {
    const known = this.#asking.get(namespace);
    if (known) return known;
    const asked = this.#ask(namespace).finally(() => this.#asking.delete(namespace));
    this.#asking.set(namespace, asked);
    return asked;
  }

  async #ask(namespace: string): Promise<boolean> {
    const { client, policies, log, signal } = this.#options;
    try {
      const version = await sameListVersion({
        client,
        resource: kinds.NetworkPolicy,
        namespace,
        held: () => policies.by("namespace", namespace),
        signal,
      });
      if (version !== undefined) this.#listed.set(namespace, version);
      return version !== undefined;
    } catch (error) {
      if (!signal.aborted)
        log("debug", "NetworkPolicies cannot be listed, so new pods wait", { namespace, error });
      return false;
    }
  }
}
