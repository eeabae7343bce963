// Pods as the places they have. A pod in the host's network has no place of its own, and a finished pod gives up its
// place, whatever its object still says.

import type { Pod } from "../kube/objects.ts";
import { type Place, samePlace } from "../model/place.ts";
import type { NamespaceTable } from "./namespaceTable.ts";
import type { Candidate } from "./scope.ts";
import type { Labels } from "./selection.ts";

/** How a pod's change affects its candidates. */
export interface CandidateChange {
  readonly gone: readonly Candidate[];
  readonly relabelled: readonly { readonly candidate: Candidate; readonly old: Labels }[];
  readonly fresh: readonly Candidate[];
}

export class Candidates {
  readonly #placesOf: (pod: Pod) => readonly Place[];
  readonly #labelsOf: (pod: Pod) => Labels;
  readonly #namespaces: NamespaceTable;
  /** `podKey` -> network -> candidate */
  readonly #pods = new Map<string, ReadonlyMap<string, Candidate>>();

  constructor(
    placesOf: (pod: Pod) => readonly Place[],
    labelsOf: (pod: Pod) => Labels,
    namespaces: NamespaceTable,
  ) {
    this.#placesOf = placesOf;
    this.#labelsOf = labelsOf;
    this.#namespaces = namespaces;
  }

  of(pod: string): Iterable<Candidate> {
    return this.#pods.get(pod)?.values() ?? [];
  }

  at(place: Place): Candidate | undefined {
    const candidate = this.#pods.get(podKey(place.namespace, place.pod))?.get(place.network);
    return candidate?.place === place ? candidate : undefined;
  }

  /** The pod named `key` is now `pod`, or gone if undefined. An unchanged place remains the same object. */
  put(key: string, pod: Pod | undefined): CandidateChange {
    const before = this.#pods.get(key);
    const after = new Map<string, Candidate>();
    const relabelled: { candidate: Candidate; old: Labels }[] = [];
    const fresh: Candidate[] = [];
    for (const place of pod && isSelectable(pod) ? this.#placesOf(pod) : []) {
      const labels = pod ? this.#labelsOf(pod) : {};
      const known = before?.get(place.network);
      if (known && samePlace(known.place, place)) {
        after.set(place.network, known);
        if (known.labels !== labels) relabelled.push({ candidate: known, old: known.labels });
        known.labels = labels;
        continue;
      }
      const namespace = this.#namespaces.entry(place.namespace);
      const candidate = { place, namespace, labels, memberships: new Set<never>() };
      namespace.candidates.add(candidate);
      after.set(place.network, candidate);
      fresh.push(candidate);
    }
    const gone = [...(before?.values() ?? [])].filter(
      (candidate) => after.get(candidate.place.network) !== candidate,
    );
    for (const candidate of gone) candidate.namespace.candidates.delete(candidate);
    for (const { namespace } of gone) this.#namespaces.tidy(namespace);
    if (after.size > 0) this.#pods.set(key, after);
    else this.#pods.delete(key);
    return { gone, relabelled, fresh };
  }
}

export const podKey = (namespace: string, name: string): string => `${namespace}/${name}`;

const isSelectable = (pod: Pod): boolean =>
  !pod.hostNetwork && pod.phase !== "Succeeded" && pod.phase !== "Failed";
