// Objects that a later list of their kind left out. They stay in the store until the server says of each one that it is
// gone: by a DELETED event, or when it is asked for by name some seconds later. So a list that shows too little, for
// whatever reason, changes nothing. When the server has by name what it left out, the list was wrong and another one is
// asked for: the watch that goes on from a wrong list may have nothing to say for hours.

import { type Answer, askFor } from "./absence.ts";
import type { ApiServer } from "./apiServer.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, type Log, pause } from "./clock.ts";
import type { Resource } from "./resource.ts";

export interface UnlistedOptions {
  readonly client: Pick<KubeClient, "get">;
  readonly server: ApiServer;
  readonly resource: Resource;
  /** How many objects are known, these included. */
  readonly known: () => number;
  readonly remove: (keys: readonly string[]) => void;
  /** Takes the object in, unless it is none that the watch is about any more, or in an older state than is known. */
  readonly put: (raw: unknown) => "taken" | "not meant" | "older";
  readonly onSize: (size: number) => void;
  /** Has everything listed again. */
  readonly listAgain: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const firstPauseMs = 5_000;
const longestPauseMs = 30_000;
const askedAtOnce = 8;
/** While it is unknown whether the server is right, at most this many objects may go, or this share of those known. */
const few = { objects: 3, share: 0.3 };

const areThere = "the API server returns them when asked for them by name";

export class Unlisted {
  readonly #options: UnlistedOptions;
  /** `namespace/name` */
  readonly #keys = new Set<string>();
  #isAsking = false;

  constructor(options: UnlistedOptions) {
    this.#options = options;
    const stop = options.server.subscribe({ believed: () => this.#remove([...this.#keys]) });
    options.signal.addEventListener("abort", stop);
  }

  /** A list has left these out. */
  add(keys: readonly string[]): void {
    for (const key of keys) this.#keys.add(key);
    this.#options.onSize(this.#keys.size);
    if (this.#keys.size > 0 && !this.#isAsking) void this.#ask();
  }

  /** The server has spoken of the object. */
  heardOf(key: string): void {
    if (this.#keys.delete(key)) this.#options.onSize(this.#keys.size);
  }

  async #ask(): Promise<void> {
    const { clock, signal, log, resource, known } = this.#options;
    this.#isAsking = true;
    let pauseMs = firstPauseMs;
    for (;;) {
      await pause(clock, pauseMs, signal);
      if (signal.aborted || this.#keys.size === 0) break;
      const unsure: string[] = [];
      const reasons = new Set<string>();
      let isListWrong = false;
      const waiting = [...this.#keys].values();
      const worker = async (): Promise<void> => {
        for (const key of waiting) {
          const reason = await this.#askAbout(key);
          isListWrong ||= reason === areThere;
          if (reason === "unsure") unsure.push(key);
          else if (reason !== undefined) reasons.add(reason);
        }
      };
      await Promise.all(Array.from({ length: askedAtOnce }, worker));
      if (unsure.length <= Math.max(few.objects, few.share * known())) this.#remove(unsure);
      else reasons.add("cannot tell whether this is still the same API server: kube-system cannot be read");
      if (this.#keys.size === 0) break;
      const { plural } = resource;
      const fields = {
        count: this.#keys.size,
        of: known(),
        some: [...this.#keys].slice(0, 5),
        why: [...reasons],
      };
      log(
        "error",
        `${plural} are no longer listed but not known to be gone; they are treated as existing`,
        fields,
      );
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      if (isListWrong) this.#options.listAgain();
    }
    this.#isAsking = false;
  }

  /** Why the object stays; undefined when it is known to be gone. */
  async #askAbout(key: string): Promise<string | undefined> {
    const { client, server, resource } = this.#options;
    const [namespace = "", name = ""] = key.split("/");
    const answer: Answer = await askFor(client, server, resource, namespace, name).catch(
      (error: unknown) => ({
        is: "doubtful" as const,
        why: `the API server does not answer: ${error instanceof Error ? error.message : String(error)}`,
      }),
    );
    // The watch may have told of it meanwhile.
    if (!this.#keys.has(key)) return undefined;
    switch (answer.is) {
      case "there": {
        const put = await this.#put(answer.raw);
        if (put === "taken") return areThere;
        if (put === "older") return server.doubt ?? "the API server shows an older state of them than before";
        this.#remove([key]);
        return undefined;
      }
      case "gone":
        this.#remove([key]);
        return undefined;
      case "unsure":
        return "unsure";
      case "doubtful":
        return answer.why;
    }
  }

  async #put(raw: unknown): Promise<ReturnType<UnlistedOptions["put"]>> {
    const { server, resource, put } = this.#options;
    const first = put(raw);
    if (first !== "older") return first;
    // Perhaps the known server is back.
    await server.look(resource).catch(() => undefined);
    return put(raw);
  }

  #remove(keys: readonly string[]): void {
    const present = keys.filter((key) => this.#keys.delete(key));
    if (present.length === 0) return;
    this.#options.remove(present);
    this.#options.onSize(this.#keys.size);
  }
}
