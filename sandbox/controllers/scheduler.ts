// The scheduler: binds each pod without a node to the one that placePod chooses. A pod that fits nowhere gets the
// condition PodScheduled and an Event, and is tried again when a node changes or a pod goes.

import { pathOf } from "../../src/kube/resource.ts";
import { type Kept, rawKinds, timeText } from "../client/kinds.ts";
import type { Pod } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { type Context, type Controller, keyOf, settled } from "./context.ts";
import { hasEnded } from "./owned-pods.ts";
import { placePod } from "./placement.ts";

export function scheduler(context: Context): Controller {
  const { pods, nodes } = context.stores;
  /** pod's uid -> node, from the decision until the store shows it */
  const assumed = new Map<string, string>();

  const podsOn = (node: string): number => {
    const bound = pods.by("node", node).filter((pod) => !hasEnded(pod.raw));
    const seen = new Set(bound.map(({ uid }) => uid));
    return bound.length + [...assumed].filter(([uid, target]) => target === node && !seen.has(uid)).length;
  };

  return {
    name: "scheduler",
    watch: (add) => {
      const addAllWaiting = (): void => {
        for (const pod of pods.by("node", "")) if (isWaiting(pod)) add(keyOf(pod));
      };
      pods.subscribe((changes) => {
        for (const change of changes) if (change.new && isWaiting(change.new)) add(keyOf(change.new));
        if (changes.some((change) => change.old && !change.new)) addAllWaiting();
      });
      nodes.subscribe(addAllWaiting);
    },
    sync: async (namespace, name) => {
      const pod = pods.get(namespace, name);
      if (!pod || !isWaiting(pod)) return;
      const placement = placePod(
        pod.raw,
        [...nodes.values()].map(({ raw }) => raw),
        podsOn,
      );
      if (placement.node === undefined) {
        await tellUnschedulable(context, pod, placement.reason);
        return;
      }
      assumed.set(pod.uid, placement.node);
      try {
        await bind(context, pod, placement.node);
        await settled(pods, pod, (kept) => kept?.uid !== pod.uid || !isWaiting(kept));
      } finally {
        assumed.delete(pod.uid);
      }
    },
  };
}

function isWaiting({ raw, deletionTimestamp }: Kept<Pod>): boolean {
  const { nodeName = "", schedulerName = "default-scheduler" } = raw.spec;
  const ours = schedulerName === "" || schedulerName === "default-scheduler";
  return nodeName === "" && ours && deletionTimestamp === undefined;
}

async function bind({ client }: Context, pod: Kept<Pod>, node: string): Promise<void> {
  const { namespace, name, uid } = pod;
  const binding = {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { namespace, name, uid },
    target: { apiVersion: "v1", kind: "Node", name: node },
  };
  // The pod may have been deleted, or bound by somebody else: the store will show it.
  await stillThere(() => client.create(pathOf(rawKinds.pod, namespace, name, "binding"), binding));
}

async function tellUnschedulable(context: Context, pod: Kept<Pod>, message: string): Promise<void> {
  const told = (pod.raw.status?.conditions ?? []).find(({ type }) => type === "PodScheduled");
  if (told?.message === message) return;
  context.event(pod.raw, "Warning", "FailedScheduling", message);
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: timeText(new Date()),
  };
  const patch = { metadata: { uid: pod.uid }, status: { conditions: [condition] } };
  const path = pathOf(rawKinds.pod, pod.namespace, pod.name, "status");
  await stillThere(() => context.client.patch(path, patch, { type: "strategic" }));
}
