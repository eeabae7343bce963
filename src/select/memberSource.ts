// Where plans get the members of selections from. One source computes them here, from pods and namespaces
// (selections.ts). A process that plans for a part of the cluster can do with another, that a leader publishes: nothing in
// this interface needs a pod's labels. What every source holds to is tested by memberSourceContract.ts.

import type { Owner } from "../model/fact.ts";
import type { Place } from "../model/place.ts";
import type { Selection } from "./selection.ts";

/** What has changed about one selection. A place that changes, if only by one address, is removed and added anew. */
export interface MembershipChange {
  /** As its first user wrote it: equal selections have equal keys, but may be different objects. */
  readonly selection: Selection;
  readonly added: readonly Place[];
  readonly removed: readonly Place[];
}

export interface Membership {
  readonly place: Place;
  readonly selection: Selection;
}

export type MembershipListener = (changes: readonly MembershipChange[]) => void;

export interface MemberSource {
  /**
   * From now on `user` uses exactly `selections`. Members are kept for selections that somebody uses, and those of a new
   * one arrive as changes; when its last user goes, all its members are told as removed.
   */
  use(user: Owner, selections: readonly Selection[]): void;

  /** The members, as far as they are known: all of them once `settled`. The set lives on. Throws when nobody uses `selection`. */
  members(selection: Selection): ReadonlySet<Place>;

  /** The used selections that a pod's places are members of: exact for all the source has been told, settled or not. */
  membershipsOf(namespace: string, pod: string): readonly Membership[];

  /**
   * Calls `listener` with every later batch of changes, after `members` shows them. Applied in order they lead from the
   * members there were to the members there are: what is added was no member, and what is removed was one.
   */
  subscribe(listener: MembershipListener): () => void;

  /** Nothing is left to be worked out or told. */
  readonly isSettled: boolean;

  /** Resolves as soon as `isSettled`. */
  settled(): Promise<void>;
}
