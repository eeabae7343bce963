// The parts that a computed selection is made of. A scope is a choice of namespaces, with all selections that make the
// same choice. So a namespace's labels are matched against scopes, and a pod's labels only against the selectors of the
// scopes that cover its namespace.

import type { Ip } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";
import type { Place } from "../model/place.ts";
import { RangeIndex } from "./rangeIndex.ts";
import { type Labels, matches, type NamespaceScope, type Selection } from "./selection.ts";
import { SelectorIndex } from "./selectorIndex.ts";

/** A selection in use, or a former one that may still have members to remove. */
export interface Selected {
  readonly selection: Selection;
  readonly scope: Scope;
  readonly users: Set<Owner>;
  readonly members: Set<Place>;
}

/** A place that may be a member. */
export interface Candidate {
  readonly place: Place;
  readonly namespace: NamespaceEntry;
  labels: Labels;
  readonly memberships: Set<Selected>;
}

export interface NamespaceEntry {
  readonly name: string;
  /** Undefined while the Namespace is unknown; then no selector matches it. */
  labels: Labels | undefined;
  readonly candidates: Set<Candidate>;
  /** The scopes that cover it. */
  readonly scopes: Set<Scope>;
}

export const isMember = ({ selection, scope, users }: Selected, candidate: Candidate): boolean =>
  users.size > 0 &&
  candidate.namespace.scopes.has(scope) &&
  matches(selection, candidate.labels, candidate.place.addresses);

export class Scope {
  readonly namespaces: NamespaceScope;
  /** All selections with this scope, in use or not. */
  readonly selections = new Set<Selected>();
  readonly #labels = new SelectorIndex<Selected>();
  readonly #ranges = new RangeIndex<Selected>();

  constructor(namespaces: NamespaceScope) {
    this.namespaces = namespaces;
  }

  /** The selection is in use from now on, and `matching` and `affected` find it. */
  add(selected: Selected): void {
    const { selection } = selected;
    if (selection.kind === "labels") this.#labels.add(selection.pods, selected);
    else this.#ranges.add(selection, selected);
  }

  delete(selected: Selected): void {
    const { selection } = selected;
    if (selection.kind === "labels") this.#labels.delete(selected);
    else this.#ranges.delete(selection, selected);
  }

  /** The selections that include a place with these labels and addresses in a covered namespace. */
  *matching(labels: Labels, addresses: readonly Ip[]): Iterable<Selected> {
    yield* this.#labels.matching(labels);
    yield* this.#ranges.holding(addresses);
  }

  /** The selections whose judgement of a place may change with its labels. */
  affected(old: Labels, now: Labels): Iterable<Selected> {
    return this.#labels.affected(old, now);
  }
}
