// The StatefulSet controller: pods with ordinals as names, each with a DNS name under the governing Service. They start
// in order, each waiting for the one before, and are deleted and replaced in reverse order. No revisions are kept: a
// new pod is always made from the newest template.

import { type Kept, rawKinds } from "../client/kinds.ts";
import type { Pod, StatefulSet } from "../client/objects.ts";
import { atLeast, type Context, type Controller, going, settled } from "./context.ts";
import { createPod, deletePod, hasEnded, isReady, watchOwners } from "./owned-pods.ts";
import { templateHash } from "./rollout.ts";
import { setStatus } from "./workload-status.ts";

const owner = { apiVersion: "apps/v1", kind: "StatefulSet" };
export const revisionLabel = "controller-revision-hash";

export function statefulSetController(context: Context): Controller {
  const { pods, statefulSets } = context.stores;
  return {
    name: "statefulset",
    watch: (add) => watchOwners(context, statefulSets, owner, add),
    sync: async (namespace, name) => {
      const set = statefulSets.get(namespace, name);
      if (!set || going(set)) return;
      const own = pods.by("owner", set.uid);
      await writeStatus(context, set, own);
      const parallel = set.raw.spec.podManagementPolicy === "Parallel";
      for (const step of steps(set, own)) {
        if (step.doing === "create") await create(context, set, step.ordinal);
        if (step.doing === "delete") await deletePod(context, step.pod);
        if (!parallel || step.last) return;
      }
    },
  };
}

type Step = { readonly last?: boolean } & (
  | { readonly doing: "create"; readonly ordinal: number }
  | { readonly doing: "delete"; readonly pod: Kept<Pod> }
  | { readonly doing: "wait" }
);

/** What there is to do, in order. An ordered set takes only the first step, and the resulting change brings it here again. */
export function* steps(set: Kept<StatefulSet>, own: readonly Kept<Pod>[]): Generator<Step> {
  const { replicas = 1, ordinals, updateStrategy } = set.raw.spec;
  const start = ordinals?.start ?? 0;
  const byOrdinal = new Map(own.map((pod) => [ordinalOf(pod), pod]));
  for (let ordinal = start; ordinal < start + replicas; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    byOrdinal.delete(ordinal);
    if (!pod) yield { doing: "create", ordinal };
    else if (hasEnded(pod.raw) && !going(pod)) yield { doing: "delete", pod };
    else if (going(pod) || !isReady(pod)) yield { doing: "wait" };
  }
  const surplus = [...byOrdinal].toSorted(([a], [b]) => b - a).map(([, pod]) => pod);
  for (const pod of surplus) yield going(pod) ? { doing: "wait" } : { doing: "delete", pod };
  if (updateStrategy?.type === "OnDelete" || !own.every(isReady)) return;
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  const outdated = own
    .filter((pod) => pod.labels[revisionLabel] !== revisionOf(set) && ordinalOf(pod) >= start + partition)
    .toSorted((a, b) => ordinalOf(b) - ordinalOf(a));
  // Even a parallel set is replaced one by one.
  for (const pod of outdated)
    yield going(pod) ? { doing: "wait", last: true } : { doing: "delete", pod, last: true };
}

const ordinalOf = ({ name }: Kept<Pod>): number => Number(name.slice(name.lastIndexOf("-") + 1));

const revisionOf = ({ name, raw }: Kept<StatefulSet>): string => `${name}-${templateHash(raw.spec.template)}`;

function create(context: Context, set: Kept<StatefulSet>, ordinal: number): Promise<void> {
  const name = `${set.name}-${ordinal}`;
  const { serviceName = "" } = set.raw.spec;
  return createPod(context, owner, set, {
    name,
    labels: {
      [revisionLabel]: revisionOf(set),
      "statefulset.kubernetes.io/pod-name": name,
      "apps.kubernetes.io/pod-index": String(ordinal),
    },
    spec: { hostname: name, ...(serviceName !== "" && { subdomain: serviceName }) },
  });
}

async function writeStatus(
  context: Context,
  set: Kept<StatefulSet>,
  own: readonly Kept<Pod>[],
): Promise<void> {
  const there = own.filter((pod) => !going(pod) && !hasEnded(pod.raw));
  const updateRevision = revisionOf(set);
  const at = (revision: string): number =>
    there.filter((pod) => pod.labels[revisionLabel] === revision).length;
  const updated = at(updateRevision);
  const ready = there.filter(isReady).length;
  const complete = updated === own.length && ready === own.length && ready === (set.raw.spec.replicas ?? 1);
  const currentRevision = complete ? updateRevision : (set.raw.status?.currentRevision ?? updateRevision);
  const status = {
    observedGeneration: set.raw.metadata.generation ?? 0,
    replicas: own.length,
    readyReplicas: ready,
    availableReplicas: ready,
    currentReplicas: at(currentRevision),
    updatedReplicas: updated,
    currentRevision,
    updateRevision,
  };
  const version = await setStatus(context.client, rawKinds.statefulSet, set, status);
  if (version !== undefined) await settled(context.stores.statefulSets, set, atLeast(version));
}
