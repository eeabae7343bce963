// Takes raw objects into a store: projects them, gathers edits into batches, remembers during a list what was in it, and
// lets others have the event loop after each slice of work.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Log } from "./clock.ts";
import { Interner } from "./intern.ts";
import { record, text } from "./json.ts";
import type { Watchable } from "./kinds.ts";
import type { ObjectMeta } from "./objects.ts";
import type { Edit, Store } from "./store.ts";

/** Bounds the stall of the event loop together with what the store's listeners do with one slice's changes. */
const sliceMs = 8;

export class Intake<T extends ObjectMeta> {
  readonly #resource: Watchable<T>;
  readonly #store: Store<T>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #interner = new Interner();
  /** `namespace/name` of what the list under way has brought. */
  #listed: Set<string> | undefined;
  #edits: Edit<T>[] = [];
  #sliceBegan = 0;

  constructor(resource: Watchable<T>, store: Store<T>, clock: Clock, log: Log) {
    this.#resource = resource;
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** What is put from now on is all there is, until `completeList`. */
  beginList(): void {
    this.#listed = new Set();
  }

  /** An object that makes no sense is reported and left out; if an older state of it is in the store, that stays. */
  put(raw: unknown): void {
    const object = this.#resource.project(raw, this.#interner);
    const { namespace, name } = object ?? identityOf(raw);
    this.#listed?.add(`${namespace}/${name}`);
    if (object) {
      this.#edits.push({ type: "put", object });
      return;
    }
    const { malformed } = this.#store.freshness;
    this.#store.note({ malformed: malformed + 1 });
    this.#log("warn", `a malformed object of ${this.#resource.plural} is left out`, { namespace, name });
  }

  /** The server says that the object is gone. */
  remove(namespace: string, name: string): void {
    this.#edits.push({ type: "remove", namespace, name, told: true });
  }

  /** Removes what the list did not bring; the store is complete up to `resourceVersion` then. */
  async completeList(resourceVersion: string): Promise<void> {
    const listed = this.#listed ?? new Set();
    this.#listed = undefined;
    this.flush();
    for (const { namespace, name } of this.#store.values()) {
      if (listed.has(`${namespace}/${name}`)) continue;
      this.#edits.push({ type: "remove", namespace, name });
      await this.rest();
    }
    this.flush();
    this.#store.note({ synced: true, lagging: false, resourceVersion });
  }

  /** Hands what has gathered to the store. */
  flush(): void {
    if (this.#edits.length === 0) return;
    const edits = this.#edits;
    this.#edits = [];
    this.#store.apply(edits);
  }

  /** To be called between pieces of work: flushes and waits for the event loop's next turn once a slice is over. */
  async rest(): Promise<void> {
    if (this.#clock.now() - this.#sliceBegan < sliceMs) return;
    this.flush();
    await nextTurn();
    this.#sliceBegan = this.#clock.now();
  }
}

function identityOf(raw: unknown): { readonly namespace: string; readonly name: string } {
  const { namespace, name } = record(record(raw).metadata);
  return { namespace: text(namespace), name: text(name) };
}
