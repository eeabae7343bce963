// What has changed since subscribers were last notified, as a net result: a place that came and went in between is not
// reported.

import type { Place } from "../model/place.ts";
import type { MembershipChange } from "./memberSource.ts";
import type { Selection } from "./selection.ts";

interface Item {
  readonly added: Set<Place>;
  readonly removed: Set<Place>;
}

export class News {
  #items = new Map<Selection, Item>();
  #size = 0;

  /** How many memberships have come or gone. */
  get size(): number {
    return this.#size;
  }

  added(selection: Selection, place: Place): void {
    const { added, removed } = this.#item(selection);
    if (removed.delete(place)) this.#size--;
    else {
      added.add(place);
      this.#size++;
    }
  }

  removed(selection: Selection, place: Place): void {
    const { added, removed } = this.#item(selection);
    if (added.delete(place)) this.#size--;
    else {
      removed.add(place);
      this.#size++;
    }
  }

  /** Returns the changes so far, and starts again from nothing. */
  take(): readonly MembershipChange[] {
    const items = this.#items;
    this.#items = new Map();
    this.#size = 0;
    return [...items].flatMap(([selection, { added, removed }]) =>
      added.size + removed.size === 0 ? [] : [{ selection, added: [...added], removed: [...removed] }],
    );
  }

  #item(selection: Selection): Item {
    const known = this.#items.get(selection);
    if (known) return known;
    const item = { added: new Set<Place>(), removed: new Set<Place>() };
    this.#items.set(selection, item);
    return item;
  }
}
