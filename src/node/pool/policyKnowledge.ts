// How far this agent knows the NetworkPolicies. A watch reports its progress only when something happens, or about
// once a minute, so a new pod would nearly always seem newer than everything known. Therefore, as soon as a pod
// appears on this node, long before the runtime asks for its interface, the policies of its namespace are listed once
// and compared with those of the watch. If they are equal, everything up to the list's version is known.

import { isDeepStrictEqual } from "node:util";
import type { KubeClient } from "../../kube/client.ts";
import type { Log } from "../../kube/clock.ts";
import { kinds } from "../../kube/kinds.ts";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { Pod } from "../../kube/objects.ts";
import { sameListVersion } from "../../kube/sameList.ts";
import type { Store } from "../../kube/store.ts";
import { isAtLeast } from "../../kube/version.ts";
import type { Policies } from "./openProof.ts";

const betweenListsMs = 500;

export interface KnowledgeOptions {
  readonly client: Pick<KubeClient, "list" | "history">;
  readonly policies: Store<NetworkPolicy>;
  /** The pods of this node. */
  readonly pods: Store<Pod>;
  readonly log: Log;
}

export class PolicyKnowledge implements Policies {
  readonly #options: KnowledgeOptions;
  /** pod UID -> the pod as it was when it first had its present labels */
  readonly #first = new Map<string, Pod>();
  /** namespace -> version up to which a list has shown its policies */
  readonly #listed = new Map<string, string>();
  readonly #asking = new Set<string>();
  readonly #listeners = new Set<() => void>();

  constructor(options: KnowledgeOptions) {
    this.#options = options;
  }

  /** Follows the node's pods until `signal` is aborted. */
  start(signal: AbortSignal): void {
    const { client, pods } = this.#options;
    const look = (pod: Pod): void => {
      const before = this.#first.get(pod.uid);
      if (!before || !isDeepStrictEqual(before.labels, pod.labels)) this.#first.set(pod.uid, pod);
      if (isToStart(pod) && !this.knows(pod)) void this.#ask(pod.namespace, signal);
    };
    const unsubscribe = pods.subscribe((changes) => {
      for (const change of changes) {
        if (change.old && change.old.uid !== change.new?.uid) this.#first.delete(change.old.uid);
        if (change.new) look(change.new);
      }
    });
    const forget = client.history.subscribe(() => {
      this.#first.clear();
      this.#listed.clear();
    });
    signal.addEventListener("abort", () => {
      unsubscribe();
      forget();
    });
    for (const pod of pods.values()) look(pod);
    // A first list without policies changes nothing in the store, but proves a lot.
    this.#options.policies.ready(signal).then(this.#tell, () => undefined);
  }

  get synced(): boolean {
    return this.#options.policies.synced;
  }

  by(index: "namespace", namespace: string): readonly NetworkPolicy[] {
    return this.#options.policies.by(index, namespace);
  }

  /**
   * Once true for a pod, it stays true while the pod keeps its labels, however long the API server is away, but not
   * when it comes back in an earlier state.
   */
  knows(pod: Pod): boolean {
    const wanted = (this.#first.get(pod.uid) ?? pod).resourceVersion;
    const { resourceVersion } = this.#options.policies.freshness;
    return isAtLeast(resourceVersion, wanted) || isAtLeast(this.#listed.get(pod.namespace) ?? "", wanted);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    const unsubscribe = this.#options.policies.subscribe(listener);
    return () => {
      this.#listeners.delete(listener);
      unsubscribe();
    };
  }

  readonly #tell = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** Lists until everything older than the namespace's starting pods is known. */
  async #ask(namespace: string, signal: AbortSignal): Promise<void> {
    if (this.#asking.has(namespace)) return;
    this.#asking.add(namespace);
    const { client, policies, log } = this.#options;
    try {
      while (!signal.aborted && this.#isAwaited(namespace)) {
        const version = await sameListVersion({
          client,
          resource: kinds.NetworkPolicy,
          namespace,
          held: () => policies.by("namespace", namespace),
          signal,
        });
        if (version !== undefined) {
          this.#listed.set(namespace, version);
          this.#tell();
        }
        if (this.#isAwaited(namespace)) await new Promise((resolve) => setTimeout(resolve, betweenListsMs));
      }
    } catch (error) {
      // The next change of a pod asks again; until then the pod gets a closed port.
      if (!signal.aborted) log("warn", "NetworkPolicies cannot be listed", { namespace, error });
    } finally {
      this.#asking.delete(namespace);
    }
  }

  #isAwaited(namespace: string): boolean {
    return [...this.#options.pods.values()].some(
      (pod) => pod.namespace === namespace && isToStart(pod) && !this.knows(pod),
    );
  }
}

const isToStart = ({ phase, hostNetwork, podIps, deletionTimestamp }: Pod): boolean =>
  phase === "Pending" && !hostNetwork && podIps.length === 0 && deletionTimestamp === undefined;
