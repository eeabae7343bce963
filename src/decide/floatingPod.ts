// Which pod has a floating address. The one that has it keeps it while it can, so that a selector that comes to select others
// moves nothing.

import type { FloatingAddress } from "../kube/floatingAddress.ts";
import { selects } from "../kube/labelSelector.ts";
import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import { wantsAddress } from "./places.ts";

export type PodChoice =
  | { readonly pod: Pod; readonly others: number }
  /** For people, and for machines in CamelCase. */
  | { readonly none: string; readonly reason: "NoPod" | "PodRefused" };

/** `has`: whether the pod has it now. */
export function podFor(
  floating: FloatingAddress,
  pods: Stores["Pod"],
  has: (pod: Pod) => boolean,
  refusal: (pod: Pod) => string | undefined,
): PodChoice {
  const { namespace, podName, podSelector } = floating;
  const all = podSelector
    ? [...pods.values()].filter((pod) => pod.namespace === namespace && selects(podSelector, pod.labels))
    : [podName === undefined ? undefined : pods.get(namespace, podName)].flatMap((pod) => pod ?? []);
  const what = podSelector ? "spec.podSelector selects no pod" : `there is no pod ${podName}`;
  if (all.length === 0) return { none: `${what} in namespace ${namespace}`, reason: "NoPod" };
  const able = all.filter((pod) => wantsAddress(pod) && pod.nodeName !== "" && refusal(pod) === undefined);
  const [first] = able.toSorted((a, b) => rank(b, has(b)) - rank(a, has(a)) || (a.name < b.name ? -1 : 1));
  if (first) return { pod: first, others: able.length - 1 };
  const [one] = all;
  const why = one && (ownRefusal(one) ?? refusal(one));
  return why === undefined
    ? { none: `pod ${one?.name} is not on a node, or has ended`, reason: "NoPod" }
    : { none: why, reason: "PodRefused" };
}

const rank = ({ phase, deletionTimestamp }: Pod, isPresent: boolean): number =>
  (deletionTimestamp === undefined ? 4 : 0) + (isPresent ? 2 : 0) + (phase === "Running" ? 1 : 0);

const ownRefusal = ({ hostNetwork, name }: Pod): string | undefined =>
  hostNetwork ? `pod ${name} is in its host's network, and has the node's addresses` : undefined;
