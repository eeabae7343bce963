// How far kinds of objects are known. A watch says how far it has come only when something happens, or about once a
// minute, so a new pod would nearly always seem newer than everything known. Therefore what a question is about is listed
// and compared with what the watch has brought (sameList.ts): when both are the same, everything up to the list's version
// is known.

import type { ApiServer } from "./apiServer.ts";
import type { KubeClient } from "./client.ts";
import type { Clock, Log } from "./clock.ts";
import { KubeError } from "./error.ts";
import { type Kind, kinds } from "./kinds.ts";
import { sameListVersion } from "./sameList.ts";
import type { AnyStore } from "./stores.ts";
import { isAtLeast } from "./version.ts";

/** What is to be known: all objects of a kind, those of a namespace, or the one of this name. */
export interface Question {
  readonly kind: Kind;
  /** "" for all, and for kinds without namespaces. */
  readonly namespace: string;
  /** "" for all. */
  readonly name: string;
}

export interface ReachOptions {
  readonly client: Pick<KubeClient, "list">;
  readonly server: Pick<ApiServer, "accepts">;
  /** Of all kinds that are asked about. */
  readonly stores: { readonly [K in Kind]?: HeldStore };
  /** For how long a kind that the server does not serve counts as empty without another question, in milliseconds. */
  readonly absentMs: number;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
}

type HeldStore = Pick<AnyStore, "freshness" | "size" | "values">;

export class Reach {
  readonly #options: ReachOptions;
  /** question -> version up to which a list has answered it */
  readonly #listed = new Map<string, string>();
  /** kind that the server does not serve -> when it said so, by the clock */
  readonly #absent = new Map<Kind, number>();
  /** question -> the list under way */
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Whether everything is known of it that the server had done by this version. */
  knows(question: Question, version: string): boolean {
    const { resourceVersion, outdated } = this.#store(question.kind).freshness;
    if (this.#isAbsent(question.kind)) return true;
    // The version of another server's list, or of an older one, says nothing.
    const isWatched = outdated === "nothing" && isAtLeast(resourceVersion, version);
    return isWatched || isAtLeast(this.#listed.get(keyOf(question)) ?? "", version);
  }

  isAsked(question: Question): boolean {
    return this.#asking.has(keyOf(question));
  }

  /**
   * Whether the watch has brought what a list shows. `seen` is a version that the asker has seen. Whoever asks while a list
   * is under way shares it. Does not reject.
   */
  ask(question: Question, seen: string, signal: AbortSignal): Promise<boolean> {
    const key = keyOf(question);
    const under = this.#asking.get(key);
    if (under) return under;
    const asked = this.#list(question, seen, signal).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  /** The server's history has begun anew. */
  forget(): void {
    this.#listed.clear();
    this.#absent.clear();
  }

  #isAbsent(kind: Kind): boolean {
    const since = this.#absent.get(kind);
    return since !== undefined && this.#options.clock.now() - since < this.#options.absentMs;
  }

  async #list(question: Question, seen: string, signal: AbortSignal): Promise<boolean> {
    const { client, server, log } = this.#options;
    const { kind, namespace, name } = question;
    const store = this.#store(kind);
    try {
      const version = await sameListVersion({
        client,
        resource: kinds[kind],
        namespace,
        name,
        held: () =>
          [...store.values()].filter(
            (object) =>
              (namespace === "" || object.namespace === namespace) && (name === "" || object.name === name),
          ),
        signal,
      });
      if (version === undefined || !server.accepts(kinds[kind], version)) return false;
      this.#listed.set(keyOf(question), version);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      // As for the watch: there are none (watch.ts). The answer has no version, but is younger than what was seen.
      const isAbsent = error instanceof KubeError && [403, 404].includes(error.status);
      if (isAbsent && kinds[kind].optional && store.size === 0) {
        this.#listed.set(keyOf(question), seen);
        this.#absent.set(kind, this.#options.clock.now());
        return true;
      }
      log("debug", `${kinds[kind].plural} cannot be listed, so new pods wait`, { namespace, error });
      return false;
    }
  }

  #store(kind: Kind): HeldStore {
    const store = this.#options.stores[kind];
    if (store) return store;
    throw new RangeError(`nobody watches ${kind}`);
  }
}

const keyOf = ({ kind, namespace, name }: Question): string => `${kind} ${namespace}/${name}`;
