// Notices that a pod is gone while its ADD is under way. Otherwise the ADD would wait in vain for as long as it may,
// and the runtime with it. This node's watch usually shows it; but it cannot tell a pod that is already gone from one
// that it has not shown yet, so then the API server is asked. The runtime got the pod's name from the API server, so a
// pod that is not there now must have existed.

import { setTimeout as pause } from "node:timers/promises";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/error.ts";
import { Interner } from "../../kube/intern.ts";
import { kinds } from "../../kube/kinds.ts";
import type { Pod } from "../../kube/objects.ts";
import { pathOf } from "../../kube/resource.ts";
import { isMeant } from "../../kube/staticPod.ts";
import type { PodIdentity } from "../nouns/attachment.ts";
import type { Pods } from "../nouns/pods.ts";
import { whenever } from "../wait/whenever.ts";

export interface DepartureOptions {
  readonly pods: Pods;
  readonly client: Pick<KubeClient, "get">;
  /** How long the watch may be behind the runtime before the API server is asked, and how often it is. */
  readonly askMs: { readonly first: number; readonly again: number };
}

/** Resolves when the pod is known to be gone, with how that is known. Rejects with the signal's reason when that is aborted. */
export async function departureAsked(
  options: DepartureOptions,
  wanted: PodIdentity,
  signal: AbortSignal,
): Promise<string> {
  const known = new AbortController();
  const either = AbortSignal.any([signal, known.signal]);
  try {
    return await Promise.race([departureTold(options, wanted, either), asked(options, wanted, either)]);
  } finally {
    known.abort();
  }
}

/** The same, by the watch alone. */
export function departureTold(
  { pods }: Pick<DepartureOptions, "pods">,
  wanted: PodIdentity,
  signal: AbortSignal,
): Promise<string> {
  let wasThere = false;
  return whenever([pods], signal, () => {
    const pod = pods.get(wanted.namespace, wanted.name);
    if (pod && isThat(pod, wanted)) {
      wasThere = true;
      return endOf(pod);
    }
    return wasThere ? "it was deleted" : undefined;
  });
}

async function asked(
  { pods, client, askMs }: DepartureOptions,
  wanted: PodIdentity,
  signal: AbortSignal,
): Promise<string> {
  const path = pathOf(kinds.Pod, wanted.namespace, wanted.name);
  for (let delayMs = askMs.first; ; delayMs = askMs.again) {
    await pause(delayMs, undefined, { signal });
    const known = pods.get(wanted.namespace, wanted.name);
    if (known && isThat(known, wanted)) continue;
    const answer = await client.get(path, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      // Nothing is known then, and the ADD waits on.
      return "no answer";
    });
    if (answer === undefined) return "the API server knows no such pod (any more)";
    const pod = kinds.Pod.project(answer, new Interner());
    if (!pod) continue;
    const end = isThat(pod, wanted)
      ? endOf(pod)
      : `the pod of that name in the API server has UID ${pod.uid}`;
    if (end !== undefined) return end;
  }
}

const isThat = (pod: Pod, { uid }: PodIdentity): boolean => uid === undefined || isMeant(pod, uid);

/** Why a pod that the API server still has no longer needs a network. */
function endOf({ deletionTimestamp, phase }: Pod): string | undefined {
  if (deletionTimestamp !== undefined) return "it is being deleted";
  return phase === "Succeeded" || phase === "Failed" ? "it has ended" : undefined;
}
