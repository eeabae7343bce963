// All objects of one kind, in the order of their keys, and the last changes to them. The order makes lists of one
// namespace and pages cheap; the changes let a watch resume from a resourceVersion it has seen.

import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";

/** An object as it is stored. `json` is written once, here, however many lists and watches will carry it. */
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
  /** The new state; of a deleted object the last one, with the revision of its deletion. */
  readonly entry: Entry;
  readonly before: Entry | undefined;
}

export type Listener = (change: Change) => void;

export class Shelf {
  readonly kind: Kind;
  readonly listeners = new Set<Listener>();
  readonly #entries = new Map<string, Entry>();
  readonly #keys: string[] = [];
  readonly #changes: Change[] = [];
  readonly #historyLength: number;
  /** The newest revision whose change is no longer remembered. */
  #forgotten = 0;

  constructor(kind: Kind, historyLength: number) {
    this.kind = kind;
    this.#historyLength = historyLength;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  values(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** The entries of a namespace ("" for all) in key order, those after the key `after` only. */
  range(namespace: string, after = ""): readonly Entry[] {
    const prefix = namespace === "" ? "" : `${namespace}/`;
    const found: Entry[] = [];
    const start = after === "" ? this.#position(prefix) : this.#position(`${after}\0`);
    for (let i = start; i < this.#keys.length; i++) {
      const key = this.#keys[i] ?? "";
      if (!key.startsWith(prefix)) break;
      const entry = this.#entries.get(key);
      if (entry) found.push(entry);
    }
    return found;
  }

  /** The changes after `revision`, or undefined when some of them are forgotten. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#forgotten) return undefined;
    return this.#changes.slice(
      this.#changes.findLastIndex((change) => change.entry.revision <= revision) + 1,
    );
  }

  apply(change: Change): void {
    const { key } = change.entry;
    if (change.type === "ADDED") this.#keys.splice(this.#position(key), 0, key);
    if (change.type === "DELETED") {
      this.#entries.delete(key);
      this.#keys.splice(this.#position(key), 1);
    } else this.#entries.set(key, change.entry);
    this.#changes.push(change);
    if (this.#changes.length >= 2 * this.#historyLength) this.#forget();
    for (const listener of this.listeners) listener(change);
  }

  /** Adds many new entries at once, without telling anybody; a watch from before has to start anew. */
  load(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (!this.#entries.has(entry.key)) this.#keys.push(entry.key);
      this.#entries.set(entry.key, entry);
      this.#forgotten = Math.max(this.#forgotten, entry.revision);
    }
    this.#keys.sort();
  }

  #forget(): void {
    const dropped = this.#changes.splice(0, this.#changes.length - this.#historyLength);
    this.#forgotten = dropped.at(-1)?.entry.revision ?? this.#forgotten;
  }

  /** Where `key` is or would be. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
