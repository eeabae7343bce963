// The objects of one kind as the API last reported them, with indexes. A watch writes it (watch.ts), everybody else
// reads and subscribes. A change of the resourceVersion alone (a node's heartbeat) replaces the object without
// notifying anybody.

import { isDeepStrictEqual } from "node:util";
import { Multimap } from "../model/multimap.ts";
import type { Indexes } from "./kinds.ts";
import type { ObjectMeta } from "./objects.ts";

/** At least one side is set. With both, they share namespace and name, but not the uid if the object was recreated. */
export interface Change<T> {
  readonly old: T | undefined;
  readonly new: T | undefined;
}

export type Listener<T> = (changes: readonly Change<T>[]) => void;

export type Edit<T> =
  | { readonly type: "put"; readonly object: T }
  | { readonly type: "remove"; readonly namespace: string; readonly name: string };

/** How far the store can be trusted to be up to date. */
export interface Freshness {
  /** A complete list has been taken in once. Never goes back to false. */
  readonly synced: boolean;
  /** Nothing feeds the store at the moment, or a list is not complete yet. */
  readonly lagging: boolean;
  /** Why, as far as is known: the last error of what feeds the store; "" after it has succeeded. */
  readonly failure: string;
  /** That error was an answer: the server is there and refuses. */
  readonly refused: boolean;
  /** Everything the server did up to this version is in the store; "" before the first list. */
  readonly resourceVersion: string;
  /** How many malformed objects were left out. */
  readonly malformed: number;
  /** How many objects are kept although a list left them out. */
  readonly unlisted: number;
  /** How many lists have been taken in completely. */
  readonly lists: number;
  /** What the store holds may be older than what is known, or another server's. It is listed again once the known one answers. */
  readonly outdated: Outdated;
}

/** "news": only what came while the server was in doubt. "everything": the server was another one when it was first listed. */
export type Outdated = "nothing" | "news" | "everything";

export class Store<T extends ObjectMeta> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, Index<T>>;
  readonly #listeners = new Set<Listener<T>>();
  readonly #onListenerError: (error: unknown) => void;
  readonly #synced = Promise.withResolvers<void>();
  #freshness: Freshness = {
    synced: false,
    lagging: true,
    failure: "",
    refused: false,
    resourceVersion: "",
    malformed: 0,
    unlisted: 0,
    lists: 0,
    outdated: "nothing",
  };

  /** A listener that throws harms neither the store nor other listeners; `onListenerError` is called with its error. */
  constructor(indexes: Indexes<T>, onListenerError: (error: unknown) => void) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, keys]) => [name, new Index(keys)]));
    this.#onListenerError = onListenerError;
  }

  /** Namespace "" for cluster-scoped kinds. */
  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  /** The objects that `index` files under `key`. Throws when there is no such index. */
  by(index: string, key: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (!found) throw new RangeError(`no index "${index}", only: ${[...this.#indexes.keys()].join(", ")}`);
    return [...found.at(key)].flatMap((storeKey) => this.#objects.get(storeKey) ?? []);
  }

  get freshness(): Freshness {
    return this.#freshness;
  }

  get synced(): boolean {
    return this.#freshness.synced;
  }

  get lagging(): boolean {
    return this.#freshness.lagging;
  }

  /** Resolves once the store is synced; rejects with the signal's reason when it aborts first. */
  async ready(signal?: AbortSignal): Promise<void> {
    if (!signal) return this.#synced.promise;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Calls `listener` with every later batch of changes, once the store holds them. Present objects are not replayed.
   */
  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Applies `edits` in order, and tells the listeners what they changed. */
  apply(edits: readonly Edit<T>[]): void {
    const changes: Change<T>[] = [];
    for (const edit of edits) {
      const change = edit.type === "put" ? this.#put(edit.object) : this.#remove(edit);
      if (change) changes.push(change);
    }
    if (changes.length === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  /** Updates how fresh the store is. */
  note(freshness: Partial<Freshness>): void {
    this.#freshness = { ...this.#freshness, ...freshness };
    if (this.#freshness.synced) this.#synced.resolve();
  }

  #put(object: T): Change<T> | undefined {
    const key = keyOf(object.namespace, object.name);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.move(key, old, object);
    return old && sameBut("resourceVersion", old, object) ? undefined : { old, new: object };
  }

  #remove({ namespace, name }: Edit<T> & { readonly type: "remove" }): Change<T> | undefined {
    const key = keyOf(namespace, name);
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.move(key, old, undefined);
    return { old, new: undefined };
  }
}

class Index<T> {
  readonly #keysOf: (object: T) => readonly string[];
  /** Index key ▶ store keys. */
  readonly #filed = new Multimap<string, string>();

  constructor(keysOf: (object: T) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  at(key: string): Iterable<string> {
    return this.#filed.get(key);
  }

  move(storeKey: string, from: T | undefined, to: T | undefined): void {
    const after = to === undefined ? [] : this.#keysOf(to);
    for (const key of from === undefined ? [] : this.#keysOf(from))
      if (!after.includes(key)) this.#filed.delete(key, storeKey);
    for (const key of after) this.#filed.add(key, storeKey);
  }
}

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

function sameBut<T extends object>(ignored: keyof T, a: T, b: T): boolean {
  return isDeepStrictEqual({ ...a, [ignored]: undefined }, { ...b, [ignored]: undefined });
}
