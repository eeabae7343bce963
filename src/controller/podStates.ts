// Counts how many pods are in which state, on request.

import type { Pod } from "../kube/objects.ts";
import { annotations } from "../model/names.ts";
import type { PortState } from "../observe/portStates.ts";

export type PodState = "outside" | "unscheduled" | "waiting" | "addressed" | "bound" | "installed";

/** `ownPort` is the state of the pod's own port. A pod with a port from its node's pool has none. */
export function podStates(
  pods: Iterable<Pod>,
  ownPort: (pod: Pod) => PortState,
): ReadonlyMap<PodState, number> {
  const counts = new Map<PodState, number>();
  for (const pod of pods) {
    const state = podState(pod, ownPort);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

function podState(pod: Pod, ownPort: (pod: Pod) => PortState): PodState {
  if (pod.hostNetwork || pod.phase === "Succeeded" || pod.phase === "Failed") return "outside";
  if (pod.nodeName === "") return "unscheduled";
  const state = ownPort(pod);
  if (state === "bound" || state === "installed") return state;
  return pod.annotations[annotations.podNetworks] === undefined ? "waiting" : "addressed";
}
