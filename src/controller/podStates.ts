// How many pods are how far, counted when somebody asks.

import type { Pod } from "../kube/objects.ts";
import { annotations } from "../model/names.ts";
import type { Bindings } from "./bindings.ts";

export type PodState = "outside" | "unscheduled" | "waiting" | "addressed" | "bound" | "installed";

export function podStates(pods: Iterable<Pod>, bindings: Bindings): ReadonlyMap<PodState, number> {
  const counts = new Map<PodState, number>();
  for (const pod of pods) {
    const state = podState(pod, bindings);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

function podState(pod: Pod, bindings: Bindings): PodState {
  if (pod.hostNetwork || pod.phase === "Succeeded" || pod.phase === "Failed") return "outside";
  if (pod.nodeName === "") return "unscheduled";
  const state = bindings.stateOf(`${pod.namespace}/${pod.name}`);
  if (state !== "unbound") return state;
  return pod.annotations[annotations.podNetworks] === undefined ? "waiting" : "addressed";
}
