// Where plans get the members of selections. One source computes them here, from pods and namespaces (selections.ts). A
// process that plans only a part of the cluster can use another source that a leader publishes: nothing in this
// interface needs a pod's labels. memberSourceContract.ts tests the rules that every source follows.

import type { Owner } from "../model/owner.ts";
import type { Place } from "../model/place.ts";
import type { Selection } from "./selection.ts";

/** What has changed about one selection. A changed place, even if only an address changed, is removed and added anew. */
export interface MembershipChange {
  /** As its first user wrote it. Equal selections have equal keys, but may be different objects. */
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
   * From now on `user` uses exactly `selections`. Members are kept for selections in use. The members of a new
   * selection arrive as changes. When its last user goes, all its members are reported as removed.
   */
  use(user: Owner, selections: readonly Selection[]): void;

  /** The members as far as they are known: all of them once `settled`. A live set. Throws when nobody uses `selection`. */
  members(selection: Selection): ReadonlySet<Place>;

  /**
   * The selections in use that have the pod's places as members. Exact for everything the source has been told, settled
   * or not.
   */
  membershipsOf(namespace: string, pod: string): readonly Membership[];

  /**
   * Calls `listener` with every later batch of changes, after `members` shows them. Applied in order, they turn the
   * earlier members into the present ones: an added place was no member before, and a removed one was.
   */
  subscribe(listener: MembershipListener): () => void;

  /** Whether everything has been worked out and reported. */
  readonly isSettled: boolean;

  /** Resolves as soon as `isSettled`. */
  settled(): Promise<void>;
}
