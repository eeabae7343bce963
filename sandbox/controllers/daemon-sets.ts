// The DaemonSet controller: a pod on each node that its selector and tolerations allow, cordoned or not. It sets the
// node itself. The real one asks the scheduler with an affinity, which the sandbox's scheduler does not know.

import { type Kept, rawKinds } from "../client/kinds.ts";
import type { DaemonSet, Node, Pod, PodSpec, Toleration } from "../client/objects.ts";
import { atLeast, type Context, type Controller, going, keyOf, settled } from "./context.ts";
import { createPod, deletePod, hasEnded, isReady, watchOwners } from "./owned-pods.ts";
import { tolerated } from "./placement.ts";
import { portion, templateHash } from "./rollout.ts";
import { matchesLabels } from "./selectors.ts";
import { revisionLabel } from "./stateful-sets.ts";
import { setStatus } from "./workload-status.ts";

const owner = { apiVersion: "apps/v1", kind: "DaemonSet" };

/** The tolerations that every pod of a DaemonSet has. */
const ownTolerations: readonly Toleration[] = [
  ...["not-ready", "unreachable"].map((name) => ({ name, effect: "NoExecute" })),
  ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map((name) => ({
    name,
    effect: "NoSchedule",
  })),
].map(({ name, effect }) => ({ key: `node.kubernetes.io/${name}`, operator: "Exists", effect }));

export function daemonSetController(context: Context): Controller {
  const { daemonSets, nodes, pods } = context.stores;
  return {
    name: "daemonset",
    watch: (add) => {
      watchOwners(context, daemonSets, owner, add);
      nodes.subscribe(() => {
        for (const set of daemonSets.values()) add(keyOf(set));
      });
    },
    sync: async (namespace, name) => {
      const set = daemonSets.get(namespace, name);
      if (!set || going(set)) return;
      const own = pods.by("owner", set.uid);
      const spec = podSpecOf(set);
      const wanted = [...nodes.values()].filter(({ raw }) => runsOn(raw, spec)).map((node) => node.name);
      await writeStatus(context, set, own, wanted);
      for (const pod of outOfPlace(own, wanted)) await deletePod(context, pod);
      const taken = new Set(own.map(({ raw }) => raw.spec.nodeName));
      for (const node of wanted.filter((one) => !taken.has(one)))
        await createPod(context, owner, set, {
          labels: { [revisionLabel]: templateHash(set.raw.spec.template) },
          spec: { ...spec, nodeName: node },
        });
      for (const pod of outdated(set, own, wanted.length)) await deletePod(context, pod);
    },
  };
}

function podSpecOf({ raw }: Kept<DaemonSet>): PodSpec {
  const { spec } = raw.spec.template;
  const network =
    spec.hostNetwork === true
      ? [{ key: "node.kubernetes.io/network-unavailable", operator: "Exists", effect: "NoSchedule" } as const]
      : [];
  return { ...spec, tolerations: [...(spec.tolerations ?? []), ...ownTolerations, ...network] };
}

function runsOn({ metadata, spec, status }: Node, pod: PodSpec): boolean {
  const withoutNetwork = (status?.conditions ?? []).some(
    (one) => one.type === "NetworkUnavailable" && one.status === "True",
  );
  return (
    metadata.deletionTimestamp === undefined &&
    matchesLabels(pod.nodeSelector ?? {}, metadata.labels ?? {}) &&
    (spec?.taints ?? []).every((taint) => tolerated(taint, pod.tolerations ?? [])) &&
    (pod.hostNetwork === true || !withoutNetwork)
  );
}

/** Pods on nodes that should have none, pods that have ended, and all but the first on each node. */
function outOfPlace(own: readonly Kept<Pod>[], wanted: readonly string[]): Kept<Pod>[] {
  const seen = new Set<string>();
  return own.filter((pod) => {
    const { nodeName = "" } = pod.raw.spec;
    if (going(pod)) return false;
    if (!wanted.includes(nodeName) || hasEnded(pod.raw) || seen.has(nodeName)) return true;
    seen.add(nodeName);
    return false;
  });
}

/** Pods of an older template that may be deleted now: no more than maxUnavailable nodes may lack a ready pod. */
function outdated(set: Kept<DaemonSet>, own: readonly Kept<Pod>[], nodes: number): Kept<Pod>[] {
  const { updateStrategy } = set.raw.spec;
  if (updateStrategy?.type === "OnDelete") return [];
  const hash = templateHash(set.raw.spec.template);
  const there = own.filter((pod) => !going(pod) && !hasEnded(pod.raw));
  const most = portion(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, nodes, Math.ceil);
  const room = Math.max(0, most - (nodes - there.filter(isReady).length));
  const old = there.filter((pod) => pod.labels[revisionLabel] !== hash);
  return [...old.filter((pod) => !isReady(pod)), ...old.filter(isReady).slice(0, room)];
}

async function writeStatus(
  context: Context,
  set: Kept<DaemonSet>,
  own: readonly Kept<Pod>[],
  wanted: readonly string[],
): Promise<void> {
  const there = own.filter((pod) => !going(pod) && !hasEnded(pod.raw));
  const right = there.filter(({ raw }) => wanted.includes(raw.spec.nodeName ?? ""));
  const ready = right.filter(isReady).length;
  const hash = templateHash(set.raw.spec.template);
  const status = {
    observedGeneration: set.raw.metadata.generation ?? 0,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: right.length,
    numberMisscheduled: there.length - right.length,
    numberReady: ready,
    numberAvailable: ready,
    numberUnavailable: Math.max(0, wanted.length - ready),
    updatedNumberScheduled: right.filter((pod) => pod.labels[revisionLabel] === hash).length,
  };
  const version = await setStatus(context.client, rawKinds.daemonSet, set, status);
  if (version !== undefined) await settled(context.stores.daemonSets, set, atLeast(version));
}
