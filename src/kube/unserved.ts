// What objects may ask for and Weft does not serve yet. An Event on the object says so, because accepting and then
// ignoring something misleads people. An entry that Weft comes to serve is removed from this list.

import { type Json, record } from "./json.ts";

export interface Unserved {
  /** As a person would name it; the Event says that Weft does not serve it yet. */
  readonly what: string;
  /** Given the `spec` and the annotations of the object as the API sent it. */
  readonly isAskedFor: (spec: Json, annotations: Json) => boolean;
}

const hasKey = (annotations: Json, ...keys: readonly string[]): boolean =>
  keys.some((key) => Object.hasOwn(annotations, key));

/** By kind of object. */
export const unserved = {
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
