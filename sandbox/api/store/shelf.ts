// All objects of one kind, ordered by key, and their last changes. The order makes lists of one namespace and pages
// cheap; the changes let a watch resume from a resourceVersion that it has seen.

import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";

export const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/** The character after `/`, so it marks the end of a namespace's keys. */
const afterSlash = "0";

/** A stored object. `json` is written once, here, no matter how many lists and watches carry it. */
export interface Entry {
  /** `namespace/name`, or `/name` for cluster-scoped kinds. */
  readonly key: string;
  readonly revision: number;
  readonly object: KubeObject;
  readonly json: string;
}

export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly kind: Kind;
  /** The new state. For a deleted object, the last state with the revision of its deletion. */
  readonly entry: Entry;
  readonly before: Entry | undefined;
}

export type Listener = (change: Change) => void;

export class Shelf {
  readonly kind: Kind;
  readonly listeners = new Set<Listener>();
  readonly #closed = new AbortController();
  readonly #byKey = new Map<string, Entry>();
  /** The same entries in key order. */
  readonly #sorted: Entry[] = [];
  readonly #changes: Change[] = [];
  readonly #historyLength: number;
  /** The newest revision whose change is no longer remembered. */
  #forgotten = 0;

  constructor(kind: Kind, historyLength: number) {
    this.kind = kind;
    this.#historyLength = historyLength;
  }

  /** Aborts when the kind is no longer served. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  close(): void {
    this.#closed.abort();
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  /** The entries of a namespace ("" for all) in key order, only those after the key `after`. */
  range(namespace: string, after = ""): readonly Entry[] {
    const first = namespace === "" ? "" : keyOf(namespace, "");
    const start = this.#position(after === "" ? first : `${after}\0`);
    return this.#sorted.slice(start, namespace === "" ? undefined : this.#position(namespace + afterSlash));
  }

  /** The changes after `revision`, or undefined when some of them have been forgotten. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#forgotten) return undefined;
    return this.#changes.slice(
      this.#changes.findLastIndex((change) => change.entry.revision <= revision) + 1,
    );
  }

  apply(change: Change): void {
    const { key } = change.entry;
    const position = this.#position(key);
    if (change.type === "DELETED") {
      this.#byKey.delete(key);
      this.#sorted.splice(position, 1);
    } else {
      this.#byKey.set(key, change.entry);
      this.#sorted.splice(position, change.type === "ADDED" ? 0 : 1, change.entry);
    }
    this.#changes.push(change);
    if (this.#changes.length >= 2 * this.#historyLength) this.#forget();
    for (const listener of this.listeners) listener(change);
  }

  /** Adds many new entries at once without notifying anybody. An earlier watch has to start again. */
  load(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.#byKey.has(entry.key)) throw new Error(`${this.kind.plural} ${entry.key} is there already`);
      this.#byKey.set(entry.key, entry);
      this.#sorted.push(entry);
      this.#forgotten = Math.max(this.#forgotten, entry.revision);
    }
    this.#sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Changes until `revision` are not remembered. */
  beginHistory(revision: number): void {
    this.#changes.length = 0;
    this.#forgotten = revision;
  }

  #forget(): void {
    const dropped = this.#changes.splice(0, this.#changes.length - this.#historyLength);
    this.#forgotten = dropped.at(-1)?.entry.revision ?? this.#forgotten;
  }

  /** The position of the entry with `key`, or where it would be. */
  #position(key: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle]?.key ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
