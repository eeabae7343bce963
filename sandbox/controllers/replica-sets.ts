// The ReplicaSet controller: as many pods as requested, made from the template. Surplus pods are deleted, the most
// dispensable first. `kubectl scale` and Deployments only change the number.

import { Semaphore } from "../../src/kube/semaphore.ts";
import { type Kept, rawKinds } from "../client/kinds.ts";
import type { Pod, ReplicaSet } from "../client/objects.ts";
import { atLeast, type Context, type Controller, going, settled } from "./context.ts";
import { createPod, deletePod, hasEnded, isReady, watchOwners } from "./owned-pods.ts";
import { setStatus } from "./workload-status.ts";

const owner = { apiVersion: "apps/v1", kind: "ReplicaSet" };
const mostWrites = 100;
const writesAtOnce = 10;

export function replicaSetController(context: Context): Controller {
  const { pods, replicaSets } = context.stores;
  const writes = new Semaphore(writesAtOnce);
  return {
    name: "replicaset",
    watch: (add) => watchOwners(context, replicaSets, owner, add),
    sync: async (namespace, name) => {
      const replicaSet = replicaSets.get(namespace, name);
      if (!replicaSet || going(replicaSet)) return;
      const own = pods.by("owner", replicaSet.uid).filter((pod) => !going(pod) && !hasEnded(pod.raw));
      const missing = (replicaSet.raw.spec.replicas ?? 1) - own.length;
      await writeStatus(context, replicaSet, own);
      if (missing > 0) {
        const count = Math.min(missing, mostWrites);
        const create = () => writes.run(() => createPod(context, owner, replicaSet, {}));
        await Promise.all(Array.from({ length: count }, create));
      } else {
        const victims = own.toSorted(dispensableFirst).slice(0, Math.min(-missing, mostWrites));
        await Promise.all(victims.map((pod) => writes.run(() => deletePod(context, pod))));
      }
    },
  };
}

/** First pods without a node, then those not ready, then the youngest. */
function dispensableFirst(a: Kept<Pod>, b: Kept<Pod>): number {
  const rank = (pod: Kept<Pod>) => (pod.raw.spec.nodeName ? 1 : 0) + (isReady(pod) ? 1 : 0);
  const born = (pod: Kept<Pod>) => Date.parse(pod.raw.metadata.creationTimestamp ?? "");
  return rank(a) - rank(b) || born(b) - born(a);
}

async function writeStatus(
  context: Context,
  replicaSet: Kept<ReplicaSet>,
  own: readonly Kept<Pod>[],
): Promise<void> {
  const ready = own.filter(isReady).length;
  const labels = Object.entries(replicaSet.raw.spec.template.metadata?.labels ?? {});
  const status = {
    replicas: own.length,
    fullyLabeledReplicas: own.filter((pod) => labels.every(([key, value]) => pod.labels[key] === value))
      .length,
    readyReplicas: ready,
    availableReplicas: ready,
    observedGeneration: replicaSet.raw.metadata.generation ?? 0,
  };
  const version = await setStatus(context.client, rawKinds.replicaSet, replicaSet, status);
  if (version !== undefined) await settled(context.stores.replicaSets, replicaSet, atLeast(version));
}
