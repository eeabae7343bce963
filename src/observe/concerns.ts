// Which owners a piece of news concerns. Everything that plans or decides for a kind of owner declares it in this form,
// and the controller asks all of them in one loop. So a new kind of owner is a new declaration and no new code path.

import type { Kind, KindMap } from "../kube/kinds.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Sighting } from "./observed.ts";

/** `K`: the kinds of objects that are read. It gets only their stores. */
export interface Concerns<K extends Kind = Kind> {
  /** The owners that a change of an object concerns. An object that exists from the beginning counts as new. */
  readonly reads: {
    readonly [R in K]: (change: Change<KindMap[R]>, stores: Pick<Stores, K>) => Iterable<Owner>;
  };
  /** The owners that news from a database concerns. */
  sees?(sighting: Sighting, stores: Pick<Stores, K>): Iterable<Owner>;
  /** What is read of decided nodes. */
  readonly nodes?: NodeConcern<K>;
}

/** What any kind of owner declares, for callers that pass every store to every kind. */
export interface AnyConcerns extends Omit<Concerns, "reads"> {
  readonly reads: { readonly [R in Kind]?: (change: Change<KindMap[R]>, stores: Stores) => Iterable<Owner> };
}

/** A view of a node. While two views print the same, nothing that is read has changed. */
export interface NodeConcern<K extends Kind> {
  view(node: ResolvedNode): string;
  /** `before` and `after` are the node before and after the change; one of them may be undefined. */
  owners(
    node: string,
    stores: Pick<Stores, K>,
    before: ResolvedNode | undefined,
    after: ResolvedNode | undefined,
  ): Iterable<Owner>;
}

/** The object before and after the change, where it exists. */
export const sidesOf = <T>({ old, new: now }: Change<T>): readonly T[] =>
  [now, old].filter((object) => object !== undefined);
