// What objects may ask for and Weft does not serve. An Event on the object says so, because accepting and then
// ignoring something misleads people. An entry that Weft comes to serve is removed from this list.

import { formatCidr, parseCidr } from "../model/ip.ts";
import { annotations as names } from "../model/names.ts";
import { nodeSubnetsOf } from "./annotations.ts";
import { type Json, record, text, texts } from "./json.ts";

export interface Unserved {
  /** As a person would name it; the Event says that Weft does not serve it. */
  readonly what: string;
  /** Given the `spec` and the annotations of the object as the API sent it. */
  readonly isAskedFor: (spec: Json, annotations: Json) => boolean;
}

const hasKey = (annotations: Json, ...keys: readonly string[]): boolean =>
  keys.some((key) => Object.hasOwn(annotations, key));

/**
 * Whether somebody else, such as kube-controller-manager, has given the node ranges for its pods that are not the ones Weft
 * gave it. A node that has none of Weft's yet waits for them.
 */
function hasOtherRanges(spec: Json, annotations: Json): boolean {
  const subnets = nodeSubnetsOf({
    annotations: { [names.nodeSubnets]: text(annotations[names.nodeSubnets]) },
  });
  if (!subnets) return false;
  const own = new Set(subnets.map(formatCidr));
  const given = new Set([text(spec.podCIDR), ...texts(spec.podCIDRs)].filter((range) => range !== ""));
  return [...given].some((range) => {
    const cidr = parseCidr(range);
    return !cidr || !own.has(formatCidr(cidr));
  });
}

/** By kind of object. */
export const unserved = {
  Node: [
    {
      what: "a spec.podCIDR other than the subnet that Weft gave the node; nothing is broken by it, and kube-controller-manager gives nodes none with --allocate-node-cidrs=false",
      isAskedFor: hasOtherRanges,
    },
  ],
  Pod: [
    {
      what: "the bandwidth annotations",
      isAskedFor: (_, annotations) =>
        hasKey(annotations, "kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"),
    },
    {
      what: "more networks for a pod (k8s.v1.cni.cncf.io/networks)",
      isAskedFor: (_, annotations) => hasKey(annotations, "k8s.v1.cni.cncf.io/networks"),
    },
    {
      what: `security profiles of a pod in the host's network (${names.securityProfiles})`,
      isAskedFor: (spec, annotations) =>
        spec.hostNetwork === true && hasKey(annotations, names.securityProfiles),
    },
  ],
} as const satisfies Readonly<Record<string, readonly Unserved[]>>;

/** What the object, as the API sent it, asks for in vain. Mostly nothing, and then always the same list. */
export function unservedIn(kind: keyof typeof unserved, object: unknown): readonly string[] {
  const spec = record(record(object).spec);
  const annotations = record(record(record(object).metadata).annotations);
  const all: readonly Unserved[] = unserved[kind];
  const asked = all.filter(({ isAskedFor }) => isAskedFor(spec, annotations));
  return asked.length === 0 ? nothing : Object.freeze(asked.map(({ what }) => what));
}

const nothing: readonly string[] = Object.freeze([]);
