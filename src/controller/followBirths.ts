// When the births of pods begin and end, by what the API server reports of pods.

import type { Pod } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import type { Births } from "./births.ts";

/** A birth begins when the pod is on a node and has no address yet, and is forgotten when the pod is gone. */
export function followBirths(pods: Pick<Store<Pod>, "subscribe">, births: Births): void {
  pods.subscribe((changes) => {
    for (const { old, new: now } of changes) {
      if (!now) births.forget(old ? nameOf(old) : "");
      else if (old?.nodeName !== now.nodeName && isUnborn(now)) births.reach(nameOf(now), "seen");
    }
  });
}

const nameOf = ({ namespace, name }: Pod): string => `${namespace}/${name}`;

const isUnborn = (pod: Pod): boolean =>
  pod.nodeName !== "" && !pod.hostNetwork && pod.phase === "Pending" && pod.podIps.length === 0;
