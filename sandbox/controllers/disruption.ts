// The disruption controller: counts how many pods of each PodDisruptionBudget may go now. An eviction reduces the count
// by one and notes the pod, which counts as gone until it really goes, or for two minutes.

import { pathOf } from "../../src/kube/resource.ts";
import { type Kept, rawKinds } from "../client/kinds.ts";
import type { Pod, PodDisruptionBudget } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { type Context, type Controller, going, keyOf } from "./context.ts";
import { hasEnded, isReady } from "./owned-pods.ts";
import { portion } from "./rollout.ts";
import { matchesSelector } from "./selectors.ts";

const noticedWithinMs = 120_000;

export function disruptionController(context: Context): Controller {
  const { budgets, pods } = context.stores;
  return {
    name: "disruption",
    watch: (add) => {
      budgets.subscribe((changes) => {
        for (const { new: budget } of changes) if (budget) add(keyOf(budget));
      });
      pods.subscribe((changes) => {
        const namespaces = new Set(changes.flatMap(({ old, new: now }) => (now ?? old)?.namespace ?? []));
        for (const namespace of namespaces)
          for (const budget of budgets.by("namespace", namespace)) add(keyOf(budget));
      });
    },
    sync: async (namespace, name) => {
      const budget = budgets.get(namespace, name);
      if (!budget || going(budget)) return;
      const { selector } = budget.raw.spec;
      const own = pods
        .by("namespace", namespace)
        .filter(
          (pod) => selector !== undefined && matchesSelector(selector, pod.labels) && !hasEnded(pod.raw),
        );
      await writeStatus(context, budget, own, expectedPods(context, own));
    },
  };
}

/** As many as the owning workloads should have. Pods without such an owner are counted as they are. */
function expectedPods({ stores: { replicaSets, statefulSets } }: Context, own: readonly Kept<Pod>[]): number {
  const wanted = new Map<string, number>();
  for (const pod of own) {
    const owner = pod.raw.metadata.ownerReferences?.find(({ controller }) => controller === true);
    const scaled = [replicaSets, statefulSets]
      .map((store) => (owner ? store.get(pod.namespace, owner.name) : undefined))
      .find((one) => one?.uid === owner?.uid && one !== undefined);
    wanted.set(scaled?.uid ?? pod.uid, scaled?.raw.spec.replicas ?? 1);
  }
  return [...wanted.values()].reduce((sum, one) => sum + one, 0);
}

async function writeStatus(
  { client }: Context,
  { raw, namespace, name, resourceVersion }: Kept<PodDisruptionBudget>,
  own: readonly Kept<Pod>[],
  expected: number,
): Promise<void> {
  const { minAvailable, maxUnavailable } = raw.spec;
  const noted = Object.entries(raw.status?.disruptedPods ?? {});
  const disrupted = noted.filter(
    ([pod, time]) =>
      own.some((one) => one.name === pod && !going(one)) && Date.now() - Date.parse(time) < noticedWithinMs,
  );
  const leaving = new Set(disrupted.map(([pod]) => pod));
  const healthy = own.filter((pod) => isReady(pod) && !going(pod) && !leaving.has(pod.name)).length;
  const desired =
    maxUnavailable === undefined
      ? portion(minAvailable ?? 1, expected, Math.ceil)
      : Math.max(0, expected - portion(maxUnavailable, expected, Math.ceil));
  const counts = {
    observedGeneration: raw.metadata.generation ?? 0,
    expectedPods: expected,
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: expected > 0 ? Math.max(0, healthy - desired) : 0,
  };
  const known: Readonly<Record<string, unknown>> = { ...raw.status };
  const same = Object.entries(counts).every(([field, value]) => known[field] === value);
  if (same && disrupted.length === noted.length) return;
  const dropped = noted.filter(([pod]) => !leaving.has(pod)).map(([pod]) => [pod, null]);
  // With the version, a concurrent eviction causes a conflict. Its own change brings the budget here again.
  const patch = {
    metadata: { resourceVersion },
    status: { ...counts, disruptedPods: Object.fromEntries([...disrupted, ...dropped]) },
  };
  await stillThere(() => client.patch(pathOf(rawKinds.budget, namespace, name, "status"), patch));
}
