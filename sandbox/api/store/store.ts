// The cluster's objects, in memory (journal.ts keeps them on disk). Every write increments one revision for all kinds, as in etcd; an object's
// resourceVersion is the revision of its last write. Objects are never changed in place.

import type { Kind } from "../kinds/kind.ts";
import { type KubeObject, withMetadata } from "../objects.ts";
import { type Entry, keyOf, type Listener, Shelf } from "./shelf.ts";

const keyOfObject = (object: KubeObject): string =>
  keyOf(object.metadata.namespace ?? "", object.metadata.name);

/** `plural.group` */
export const shelfName = ({ plural, group }: Kind): string => `${plural}.${group}`;

export class ApiStore {
  /** `plural.group` -> its objects */
  readonly #shelves = new Map<string, Shelf>();
  readonly #listeners = new Set<Listener>();
  readonly #historyLength: number;
  #revision = 1;

  /** `historyLength`: how many changes of a kind are guaranteed to be remembered for watches that resume. */
  constructor(kinds: readonly Kind[], historyLength: number) {
    this.#historyLength = historyLength;
    for (const kind of kinds) this.addShelf(kind);
  }

  /** The revision of the last write. */
  get revision(): number {
    return this.#revision;
  }

  /** Makes room for the objects of one more kind. */
  addShelf(kind: Kind): void {
    const shelf = new Shelf(kind, this.#historyLength);
    for (const listener of this.#listeners) shelf.listeners.add(listener);
    this.#shelves.set(shelfName(kind), shelf);
  }

  /** Ends the watches of the kind. Its objects have already been removed. */
  removeShelf(kind: Kind): void {
    this.shelf(kind).close();
    this.#shelves.delete(shelfName(kind));
  }

  shelf(kind: Kind): Shelf {
    const shelf = this.#shelves.get(shelfName(kind));
    if (!shelf) throw new Error(`the store holds no ${kind.plural}`);
    return shelf;
  }

  /** The kind whose shelf has that name, if there is one. */
  kindOn(shelf: string): Kind | undefined {
    return this.#shelves.get(shelf)?.kind;
  }

  get(kind: Kind, namespace: string, name: string): Entry | undefined {
    return this.shelf(kind).get(keyOf(namespace, name));
  }

  /** Calls `listener` at the end of every write. Returns a function that ends this. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    for (const shelf of this.#shelves.values()) shelf.listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      for (const shelf of this.#shelves.values()) shelf.listeners.delete(listener);
    };
  }

  /** Stores a new object. The caller has checked that its key is free. */
  create(kind: Kind, object: KubeObject): Entry {
    const entry = this.#entry(object);
    this.shelf(kind).apply({ type: "ADDED", kind, entry, before: undefined });
    return entry;
  }

  replace(kind: Kind, before: Entry, object: KubeObject): Entry {
    const entry = this.#entry(object);
    this.shelf(kind).apply({ type: "MODIFIED", kind, entry, before });
    return entry;
  }

  /** Removes the object. Returns its last state, with the deletion's revision. */
  remove(kind: Kind, before: Entry): Entry {
    const entry = this.#entry(before.object);
    this.shelf(kind).apply({ type: "DELETED", kind, entry, before });
    return entry;
  }

  /**
   * Loads many complete objects (uid and creationTimestamp included) at once, without checks and without telling
   * watches, for benches that begin with a large cluster.
   */
  load(kind: Kind, objects: Iterable<KubeObject>): void {
    this.shelf(kind).load(Array.from(objects, (object) => this.#entry(object)));
  }

  /** Stores an object again as an earlier process had it, under the revision that it had. */
  restore(kind: Kind, object: KubeObject): void {
    const entry = entryOf(object, Number(object.metadata.resourceVersion));
    this.shelf(kind).apply({ type: "ADDED", kind, entry, before: undefined });
  }

  /** Revisions go on after `revision`, and no watch can resume from before it. */
  beginHistory(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const shelf of this.#shelves.values()) shelf.beginHistory(this.#revision);
  }

  #entry(object: KubeObject): Entry {
    this.#revision++;
    return entryOf(withMetadata(object, { resourceVersion: String(this.#revision) }), this.#revision);
  }
}

const entryOf = (object: KubeObject, revision: number): Entry => ({
  key: keyOfObject(object),
  revision,
  object,
  json: JSON.stringify(object),
});
