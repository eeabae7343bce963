// Takes raw objects into a store: projects them, batches the edits, remembers what a list has brought, and yields the
// event loop after each slice of work. What a later list adds, or shows in an older state than the store has, waits for the end
// of the list: its version, which tells whether the list itself is older, often comes last.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Log } from "./clock.ts";
import { Interner } from "./intern.ts";
import { record, text } from "./json.ts";
import type { Watchable } from "./kinds.ts";
import type { ObjectMeta } from "./objects.ts";
import type { Edit, Outdated, Store } from "./store.ts";
import { Unlisted, type UnlistedOptions } from "./unlisted.ts";
import { isBefore } from "./version.ts";

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
  readonly #keeping: Keeping | undefined;
  readonly #unlisted: Unlisted | undefined;
  /** `namespace/name` of what the running list has brought. */
  #listed: Set<string> | undefined;
  /** Of objects that the first list has left out and that are there. */
  readonly #found = new Set<string>();
  /** What the running list has brought and is not in the store yet. */
  #atEnd: T[] = [];
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
    this.#keeping = keeping;
    this.#unlisted =
      keeping &&
      new Unlisted({
        ...keeping,
        resource,
        clock,
        log,
        known: () => store.size,
        put: (raw) => {
          const object = resource.project(raw, this.#interner);
          if (object && (!this.#accepts(object.resourceVersion) || this.#isOlder(object))) return "older";
          if (!keeping.isMeant(raw)) return "not meant";
          if (object) store.apply([{ type: "put", object }]);
          return "taken";
        },
        remove: (keys) => store.apply(keys.map((key) => ({ type: "remove", ...namesIn(key) }))),
        onSize: (unlisted) => store.note({ unlisted }),
      });
  }

  /** From now until `completeList`, the objects put are all there are. */
  beginList(): void {
    this.#listed = new Set();
    this.#atEnd = [];
  }

  /** Reports a malformed object and leaves it out; if an older state of it is in the store, that stays. */
  put(raw: unknown): void {
    const object = this.#resource.project(raw, this.#interner);
    const { namespace, name } = object ?? identityOf(raw);
    const key = `${namespace}/${name}`;
    this.#listed?.add(key);
    this.#unlisted?.heardOf(key);
    if (object) {
      this.#put(object);
      return;
    }
    const { malformed } = this.#store.freshness;
    this.#store.note({ malformed: malformed + 1 });
    this.#log("warn", `a malformed object of ${this.#resource.plural} is left out`, { namespace, name });
  }

  hasListed(key: string): boolean {
    return this.#listed?.has(key) === true;
  }

  /** The server has the object by name, though the first list, which is under way, left it out. */
  putUnlisted(raw: unknown): void {
    const object = this.#resource.project(raw, this.#interner);
    if (!object) return;
    this.#found.add(`${object.namespace}/${object.name}`);
    this.#edits.push({ type: "put", object });
  }

  /** The server says that the object is gone, as of this version. */
  remove(namespace: string, name: string, resourceVersion: string): void {
    if (this.#keeping && this.#store.synced) {
      const known = this.#store.get(namespace, name)?.resourceVersion ?? resourceVersion;
      // In the latter case there is another one of its name by now.
      if (!this.#accepts(resourceVersion) || (isBefore(resourceVersion, known) && !this.#isInDoubt)) return;
    }
    this.#unlisted?.heardOf(`${namespace}/${name}`);
    this.#edits.push({ type: "remove", namespace, name });
  }

  #put(object: T): void {
    const isFirst = !this.#keeping || !this.#store.synced;
    if (!isFirst && !this.#accepts(object.resourceVersion)) return;
    const isListed = this.#listed !== undefined;
    const isNew = !this.#store.get(object.namespace, object.name);
    if (isFirst) this.#edits.push({ type: "put", object });
    else if (isListed && (isNew || this.#isOlder(object))) this.#atEnd.push(object);
    // An answer about this object may have been quicker than the watch.
    else if (!this.#isOlder(object) || this.#isInDoubt) this.#edits.push({ type: "put", object });
  }

  /** Whether the server may be believed about an object of this version. */
  #accepts(resourceVersion: string): boolean {
    return this.#keeping?.server.accepts(this.#resource, resourceVersion) !== false;
  }

  /** Whether versions of what is in the store may be of another history. */
  get #isInDoubt(): boolean {
    return this.#keeping?.server.isInDoubt(this.#resource) === true;
  }

  /** Whether the store has a later state. */
  #isOlder({ namespace, name, resourceVersion }: T): boolean {
    const known = this.#store.get(namespace, name)?.resourceVersion;
    return known !== undefined && isBefore(resourceVersion, known);
  }

  /** Takes what has waited, unless the list is older than what the store has of it in the same history. */
  async #takeRest(listVersion: string): Promise<void> {
    const isOfOneHistory = this.#store.freshness.outdated === "nothing";
    for (const object of this.#atEnd) {
      const known = this.#store.get(object.namespace, object.name)?.resourceVersion;
      if (known === undefined || !isOfOneHistory || !isBefore(listVersion, known))
        this.#edits.push({ type: "put", object });
      if (this.due) await this.rest();
    }
    this.#atEnd = [];
  }

  /**
   * The list is one of the present state. What it did not bring is removed, or kept until the server says that it is gone. The
   * store is then complete up to `resourceVersion`.
   */
  async completeList(resourceVersion: string): Promise<void> {
    const listed = this.#listed ?? new Set();
    this.#listed = undefined;
    await this.#takeRest(resourceVersion);
    this.flush();
    const { synced, outdated } = this.#store.freshness;
    const isDoubted = this.#keeping !== undefined && this.#keeping.server.doubt !== undefined;
    // Before the first list is complete, what an interrupted one brought was nothing yet; nor was what another server listed.
    const isFirst = !synced || (outdated === "everything" && !isDoubted);
    const missing: string[] = [];
    for (const { namespace, name } of this.#store.values()) {
      const key = `${namespace}/${name}`;
      if (listed.has(key)) continue;
      if (this.#unlisted && (!isFirst || this.#found.has(key))) missing.push(key);
      else this.#edits.push({ type: "remove", namespace, name });
      if (this.due) await this.rest();
    }
    this.flush();
    this.#unlisted?.add(missing);
    this.#found.clear();
    const lists = this.#store.freshness.lists + 1;
    this.#store.note({
      ...{ synced: true, lagging: false, failure: "", refused: false, resourceVersion, lists },
      outdated: isDoubted ? outdatedBefore(this.#store) : "nothing",
    });
  }

  /** Hands the batch to the store. */
  flush(): void {
    if (this.#edits.length === 0) return;
    const edits = this.#edits;
    this.#edits = [];
    this.#store.apply(edits);
  }

  /** Whether a slice of work is over, and `rest` is due. */
  get due(): boolean {
    return this.#clock.now() - this.#sliceBegan >= sliceMs;
  }

  /** Flushes, and waits for the event loop's next turn. */
  async rest(): Promise<void> {
    this.flush();
    await nextTurn();
    this.#sliceBegan = this.#clock.now();
  }
}

/** What came before the doubt is not outdated by it. */
export const outdatedBefore = ({
  freshness: { outdated },
}: Pick<Store<ObjectMeta>, "freshness">): Outdated => (outdated === "everything" ? "everything" : "news");

function namesIn(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
}

function identityOf(raw: unknown): { readonly namespace: string; readonly name: string } {
  const { namespace, name } = record(record(raw).metadata);
  return { namespace: text(namespace), name: text(name) };
}
