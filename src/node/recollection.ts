// Which cluster this node's agent is in, and the names of the objects that it knows, in a file. Its successor asks for each of
// them that its own first list leaves out (kube/watch.ts). Only names: what an object says is the API server's to tell. So most
// events change nothing here, and they must cost nothing, since there may be thousands of names.

import { readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import type { ApiServer } from "../kube/apiServer.ts";
import type { Log } from "../kube/clock.ts";
import type { Kind } from "../kube/kinds.ts";
import type { ObjectMeta } from "../kube/objects.ts";
import type { Change } from "../kube/store.ts";
import type { AnyStore } from "../kube/stores.ts";
import { nothingIfAbsent } from "./host/absent.ts";
import { Bell } from "./wait/bell.ts";

const schema = v.object({
  /** The UID of kube-system. */
  cluster: v.optional(v.string()),
  /** Kind -> `namespace/name` of its objects */
  names: v.record(v.string(), v.array(v.string())),
});
type Content = v.InferOutput<typeof schema>;
const nothing: Content = { names: {} };

type Known = { readonly [K in Kind]?: Pick<AnyStore, "subscribe" | "synced" | "values" | "ready"> };

const retryMs = 5_000;
/** A write costs a millisecond or two, and pods often come together. */
const betweenMs = 100;

/** Where the agent with this socket remembers what it knows. */
export const recollectionFile = (cniSocket: string): string => `${cniSocket}.known`;

export class Recollection {
  readonly #file: string;
  readonly #former: Content;
  readonly #log: Log;

  private constructor(file: string, former: Content, log: Log) {
    this.#file = file;
    this.#former = former;
    this.#log = log;
  }

  /** A file that is missing or makes no sense counts as empty. */
  static async read(file: string, log: Log): Promise<Recollection> {
    try {
      const text = await readFile(file, "utf8").catch(nothingIfAbsent);
      const former = text === undefined ? nothing : v.parse(schema, JSON.parse(text));
      return new Recollection(file, former, log);
    } catch (error) {
      log(
        "warn",
        `${file} cannot be read: this agent starts without what the previous one knew of the cluster`,
        { error },
      );
      return new Recollection(file, nothing, log);
    }
  }

  /** `namespace/name` of what the earlier agent knew. */
  of(kind: Kind): readonly string[] {
    return this.#former.names[kind] ?? [];
  }

  /** The UID of kube-system; undefined when it is not known. */
  get cluster(): string | undefined {
    return this.#former.cluster;
  }

  /** Keeps the file up to date until `signal` aborts. */
  async keep(server: Pick<ApiServer, "memory">, known: Known, signal: AbortSignal): Promise<void> {
    const bell = new Bell();
    /** Kind -> its names as JSON, for as long as they are the same */
    const parts = new Map<string, string>();
    let cluster: string | undefined;
    const stops = Object.entries(known).map(([kind, store]) => {
      const changed = (): void => {
        parts.delete(kind);
        bell.ring();
      };
      store.ready(signal).then(changed, () => undefined);
      return store.subscribe((changes: readonly Change<ObjectMeta>[]) => {
        if (changes.some((change) => !change.old || !change.new)) changed();
        else if (server.memory?.cluster !== cluster) bell.ring();
      });
    });
    signal.addEventListener("abort", bell.ring);
    let written: string | undefined;
    let hasFailed = false;
    while (!signal.aborted) {
      await bell.heard(hasFailed ? retryMs : undefined);
      cluster = server.memory?.cluster;
      const text = this.#text(cluster, known, parts);
      if (signal.aborted || text === written) continue;
      try {
        await writeFile(`${this.#file}.new`, text);
        await rename(`${this.#file}.new`, this.#file);
        written = text;
        hasFailed = false;
        await pause(betweenMs, undefined, { signal }).catch(() => undefined);
      } catch (error) {
        hasFailed = true;
        this.#log("warn", `cannot write to ${this.#file} what the next agent needs to know of the cluster`, {
          error,
        });
      }
    }
    for (const stop of stops) stop();
  }

  #text(cluster: string | undefined, known: Known, parts: Map<string, string>): string {
    const members = Object.entries(known).map(([kind, store]) => {
      const part = parts.get(kind) ?? JSON.stringify(this.#names(kind, store));
      parts.set(kind, part);
      return `${JSON.stringify(kind)}:${part}`;
    });
    const id = JSON.stringify(cluster ?? this.#former.cluster);
    return `{${id === undefined ? "" : `"cluster":${id},`}"names":{${members.join()}}}`;
  }

  /** Until a store is complete, what the earlier agent knew counts. */
  #names(kind: string, store: Pick<AnyStore, "synced" | "values">): readonly string[] {
    if (!store.synced) return this.#former.names[kind] ?? [];
    return [...store.values()].map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
  }
}
