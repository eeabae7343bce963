// The way without an index: on any change, the pods concerned are compared with every selection.

import { selects } from "../../src/kube/labelSelector.ts";
import type { Namespace, Pod } from "../../src/kube/objects.ts";
import type { Place } from "../../src/model/place.ts";
import { type Labels, matches, type NamespaceScope, type Selection } from "../../src/select/selection.ts";

export class NaiveSelections {
  readonly #placesOf: (pod: Pod) => readonly Place[];
  readonly #members: ReadonlyMap<Selection, Map<string, Place>>;
  readonly #namespaces = new Map<string, Labels>();

  constructor(selections: readonly Selection[], placesOf: (pod: Pod) => readonly Place[]) {
    this.#placesOf = placesOf;
    this.#members = new Map(selections.map((selection) => [selection, new Map()]));
  }

  get memberships(): number {
    return this.#members.values().reduce((sum, members) => sum + members.size, 0);
  }

  takeNamespaces(namespaces: readonly Namespace[]): void {
    for (const { name, labels } of namespaces) this.#namespaces.set(name, labels);
  }

  /** Compares all these pods with all selections. A selection's namespaces are looked up once. */
  takePods(pods: readonly Pod[]): void {
    const placed = pods.map((pod) => ({ pod, places: this.#placesOf(pod) }));
    const homes = new Set(pods.map(({ namespace }) => namespace));
    for (const [selection, members] of this.#members) {
      const covered = new Set(
        [...homes].filter((name) => selection.kind === "range" || this.#covers(selection.namespaces, name)),
      );
      for (const { pod, places } of placed) {
        for (const place of places) {
          if (covered.has(pod.namespace) && matches(selection, pod.labels, place.addresses))
            members.set(place.port, place);
          else members.delete(place.port);
        }
      }
    }
  }

  #covers(scope: NamespaceScope, name: string): boolean {
    if (scope.kind !== "matching") return scope.kind === "all" || scope.name === name;
    const labels = this.#namespaces.get(name);
    return labels !== undefined && selects(scope.selector, labels);
  }
}
