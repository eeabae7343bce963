// Takes raw objects into a store: projects them, batches the edits, remembers what a list has brought, and yields the
// event loop after each slice of work.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Log } from "./clock.ts";
import { Interner } from "./intern.ts";
import { record, text } from "./json.ts";
import type { Watchable } from "./kinds.ts";
import type { ObjectMeta } from "./objects.ts";
import type { Edit, Store } from "./store.ts";
import { Unlisted, type UnlistedOptions } from "./unlisted.ts";

/** Who is asked about objects that a list leaves out. */
export interface Keeping extends Pick<UnlistedOptions, "client" | "listAgain" | "server" | "signal"> {
  /** Whether the watch is about the object. */
  readonly isMeant: (raw: unknown) => boolean;
}

/** Bounds how long one slice blocks the event loop, including the store's listeners. */
const sliceMs = 8;

export class Intake<T extends ObjectMeta> {
  readonly #resource: Watchable<T>;
  readonly #store: Store<T>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #interner = new Interner();
  readonly #unlisted: Unlisted | undefined;
  /** `namespace/name` of what the running list has brought. */
  #listed: Set<string> | undefined;
  #edits: Edit<T>[] = [];
  #sliceBegan = 0;

  /** Without `keeping`, whatever a list leaves out is removed at once. */
  constructor(
    resource: Watchable<T>,
    store: Store<T>,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    keeping?: Keeping,
  ) {
    this.#resource = resource;
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#unlisted =
      keeping &&
      new Unlisted({
        ...keeping,
        resource,
        clock,
        log,
        known: () => store.size,
        put: (raw) => {
          if (!keeping.isMeant(raw)) return false;
          const object = resource.project(raw, this.#interner);
          if (object) store.apply([{ type: "put", object }]);
          return true;
        },
        remove: (keys) => store.apply(keys.map((key) => ({ type: "remove", ...namesIn(key) }))),
        onSize: (unlisted) => store.note({ unlisted }),
      });
  }

  /** From now until `completeList`, the objects put are all there are. */
  beginList(): void {
    this.#listed = new Set();
  }

  /** Reports a malformed object and leaves it out; if an older state of it is in the store, that stays. */
  put(raw: unknown): void {
    const object = this.#resource.project(raw, this.#interner);
    const { namespace, name } = object ?? identityOf(raw);
    this.#listed?.add(`${namespace}/${name}`);
    this.#unlisted?.heardOf(`${namespace}/${name}`);
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
    this.#unlisted?.heardOf(`${namespace}/${name}`);
    this.#edits.push({ type: "remove", namespace, name });
  }

  /**
   * What the list did not bring is removed, or kept until the server says that it is gone. The store is then complete up
   * to `resourceVersion`.
   */
  async completeList(resourceVersion: string): Promise<void> {
    const listed = this.#listed ?? new Set();
    this.#listed = undefined;
    this.flush();
    // Before the first list is complete, what an interrupted one brought was nothing yet.
    const keeper = this.#store.synced ? this.#unlisted : undefined;
    const missing: string[] = [];
    for (const { namespace, name } of this.#store.values()) {
      const key = `${namespace}/${name}`;
      if (listed.has(key)) continue;
      if (keeper) missing.push(key);
      else this.#edits.push({ type: "remove", namespace, name });
      await this.rest();
    }
    this.flush();
    keeper?.add(missing);
    const lists = this.#store.freshness.lists + 1;
    this.#store.note({ synced: true, lagging: false, failure: "", refused: false, resourceVersion, lists });
  }

  /** Hands the batch to the store. */
  flush(): void {
    if (this.#edits.length === 0) return;
    const edits = this.#edits;
    this.#edits = [];
    this.#store.apply(edits);
  }

  /** Call this between pieces of work. When a slice is over, it flushes and waits for the event loop's next turn. */
  async rest(): Promise<void> {
    if (this.#clock.now() - this.#sliceBegan < sliceMs) return;
    this.flush();
    await nextTurn();
    this.#sliceBegan = this.#clock.now();
  }
}

function namesIn(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
}

function identityOf(raw: unknown): { readonly namespace: string; readonly name: string } {
  const { namespace, name } = record(record(raw).metadata);
  return { namespace: text(namespace), name: text(name) };
}
