// Proves that the controller knows every policy that is older than a pod, and the labels that the pod's namespace had then. A
// list that was asked for after the pod was seen shows all that is older than the pod; of an earlier list its version
// tells (kube/reach.ts, docs/decisions/0035).

import type { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import type { Pod } from "../kube/objects.ts";
import { clusterPoliciesOf, type PolicyKind, policyKinds } from "../kube/policies.ts";
import { type Question, Reach } from "../kube/reach.ts";
import type { Stores } from "../kube/stores.ts";

const betweenListsMs = 100;

/** About as long as the watch of a kind that is not served waits before it looks again: until then its policies hold for nobody. */
const absentMs = 30_000;

export interface PolicyProofOptions {
  readonly client: Pick<KubeClient, "list">;
  readonly server: Pick<ApiServer, "accepts">;
  readonly stores: Pick<Stores, PolicyKind | "Namespace">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class PolicyProof {
  readonly #options: PolicyProofOptions;
  readonly #reach: Reach;

  constructor(options: PolicyProofOptions) {
    this.#options = options;
    const { client, server, stores, clock, log } = options;
    this.#reach = new Reach({ client, server, stores, absentMs, clock, log });
  }

  /** Resolves when all of that is known that is older than this version of the pod. Rejects when the signal aborts. */
  async known({ namespace, resourceVersion }: Pod): Promise<void> {
    await Promise.all(
      policyKinds.map((kind) =>
        this.#answered(
          { kind, namespace: kind === "NetworkPolicy" ? namespace : "", name: "" },
          resourceVersion,
        ),
      ),
    );
    // Only policies of the whole cluster read the labels of namespaces for whom they select.
    if (clusterPoliciesOf(this.#options.stores).length > 0)
      await this.#answered({ kind: "Namespace", namespace: "", name: namespace }, resourceVersion);
  }

  async #answered(question: Question, version: string): Promise<void> {
    const { clock, signal } = this.#options;
    while (!this.#reach.knows(question, version)) {
      signal.throwIfAborted();
      const isAsked = this.#reach.isAsked(question);
      const isSame = await this.#reach.ask(question, version, signal);
      if (isSame && !isAsked) return;
      // A list that was under way may be older than the pod; then the next one is asked for at once.
      if (!isSame) await pause(clock, betweenListsMs, signal);
    }
  }
}
