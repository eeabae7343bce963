// How far this agent knows the policies. As soon as a pod appears on this node, long before the runtime asks for its
// interface, the policies are listed once and compared with those of the watch (kube/reach.ts).

import { isDeepStrictEqual } from "node:util";
import type { ApiServer } from "../../kube/apiServer.ts";
import type { KubeClient } from "../../kube/client.ts";
import { type Log, systemClock } from "../../kube/clock.ts";
import type { ClusterPolicy } from "../../kube/clusterPolicy.ts";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { Pod } from "../../kube/objects.ts";
import { clusterPoliciesOf, type PolicyStores, policyKinds } from "../../kube/policies.ts";
import { type Question, Reach } from "../../kube/reach.ts";
import type { Store } from "../../kube/store.ts";
import { isAtLeast } from "../../kube/version.ts";
import type { Policies } from "./openProof.ts";

const betweenListsMs = 500;

export interface KnowledgeOptions {
  readonly client: Pick<KubeClient, "list" | "history">;
  readonly server: Pick<ApiServer, "accepts">;
  readonly policies: PolicyStores;
  /** The pods of this node. */
  readonly pods: Store<Pod>;
  readonly log: Log;
}

export class PolicyKnowledge implements Policies {
  readonly #options: KnowledgeOptions;
  readonly #reach: Reach;
  /** pod UID -> the pod as it was when it first had its present labels */
  readonly #first = new Map<string, Pod>();
  /** Namespaces whose policies are being asked for. */
  readonly #asking = new Set<string>();
  readonly #listeners = new Set<() => void>();

  constructor(options: KnowledgeOptions) {
    this.#options = options;
    const { client, server, policies, log } = options;
    this.#reach = new Reach({ client, server, stores: policies, absentMs: 0, clock: systemClock, log });
  }

  /** Follows the node's pods until `signal` is aborted. */
  start(signal: AbortSignal): void {
    const { client, pods } = this.#options;
    const look = (pod: Pod): void => {
      const before = this.#first.get(pod.uid);
      const isSame = isDeepStrictEqual([before?.labels, before?.profiles], [pod.labels, pod.profiles]);
      if (!before || !isSame) this.#first.set(pod.uid, pod);
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
      this.#reach.forget();
    });
    signal.addEventListener("abort", () => {
      unsubscribe();
      forget();
    });
    for (const pod of pods.values()) look(pod);
    // A first list without policies changes nothing in the store, but proves a lot.
    for (const store of this.#stores()) store.ready(signal).then(this.#tell, () => undefined);
  }

  get synced(): boolean {
    return this.#stores().every(({ synced }) => synced);
  }

  by(index: "namespace", namespace: string): readonly NetworkPolicy[] {
    return this.#options.policies.NetworkPolicy.by(index, namespace);
  }

  ofCluster(): readonly ClusterPolicy[] {
    return clusterPoliciesOf(this.#options.policies);
  }

  /**
   * Once true for a pod, it stays true while the pod keeps its labels, however long the API server is away, but not
   * when it comes back in an earlier state.
   */
  knows(pod: Pod): boolean {
    const wanted = (this.#first.get(pod.uid) ?? pod).resourceVersion;
    return questionsFor(pod.namespace).every((question) => this.#reach.knows(question, wanted));
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    const stops = this.#stores().map((store) => store.subscribe(listener));
    return () => {
      this.#listeners.delete(listener);
      for (const stop of stops) stop();
    };
  }

  readonly #tell = (): void => {
    for (const listener of this.#listeners) listener();
  };

  #stores() {
    return policyKinds.map((kind) => this.#options.policies[kind]);
  }

  /** Lists until everything older than the namespace's starting pods is known. */
  async #ask(namespace: string, signal: AbortSignal): Promise<void> {
    if (this.#asking.has(namespace)) return;
    this.#asking.add(namespace);
    while (!signal.aborted && this.#isAwaited(namespace)) {
      const seen = this.#youngest(namespace);
      const answers = await Promise.all(
        questionsFor(namespace)
          .filter((question) => !this.#reach.knows(question, seen))
          .map((question) => this.#reach.ask(question, seen, signal)),
      );
      if (answers.includes(true)) this.#tell();
      if (this.#isAwaited(namespace)) await new Promise((resolve) => setTimeout(resolve, betweenListsMs));
    }
    this.#asking.delete(namespace);
  }

  /** The highest version of the namespace's pods that are to start. */
  #youngest(namespace: string): string {
    const versions = [...this.#options.pods.values()]
      .filter((pod) => pod.namespace === namespace && isToStart(pod))
      .map(({ resourceVersion }) => resourceVersion);
    return versions.reduce((high, one) => (isAtLeast(one, high) ? one : high), versions[0] ?? "");
  }

  #isAwaited(namespace: string): boolean {
    return [...this.#options.pods.values()].some(
      (pod) => pod.namespace === namespace && isToStart(pod) && !this.knows(pod),
    );
  }
}

const questionsFor = (namespace: string): readonly Question[] =>
  policyKinds.map((kind) => ({ kind, namespace: kind === "NetworkPolicy" ? namespace : "", name: "" }));

const isToStart = ({ phase, hostNetwork, podIps, deletionTimestamp }: Pod): boolean =>
  phase === "Pending" && !hostNetwork && podIps.length === 0 && deletionTimestamp === undefined;
