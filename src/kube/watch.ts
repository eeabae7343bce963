// Keeps a Store equal to the API's objects of one kind for as long as its signal lives: it performs the steps of
// cycle.ts and takes in their results. Objects of a list go into the store as they arrive; at the end of the list,
// whatever it did not contain is removed. So a list after a gap delivers only differences, like any other news. A list
// that is older than the store comes from a server that was restored from a backup, and then all watches of it list again; or
// from a member of the API that is behind, and then nothing of it counts.

import { askFor } from "./absence.ts";
import type { ApiServer } from "./apiServer.ts";
import type { KubeClient, Query } from "./client.ts";
import { type Clock, type Log, pause, type Surroundings, silent, systemClock } from "./clock.ts";
import { beginning, type Failure, nextAfter, type Outcome, type Step } from "./cycle.ts";
import { KubeError } from "./error.ts";
import { type WatchEvent, watchEventOf } from "./event.ts";
import { Intake, outdatedBefore } from "./intake.ts";
import { type Indexes, type Kind, type KindMap, kinds, type Watchable } from "./kinds.ts";
import { Lines } from "./lines.ts";
import type { ObjectMeta } from "./objects.ts";
import { pathOf } from "./resource.ts";
import { isSelected, type Selectors, selectorQuery } from "./selectors.ts";
import { ServerStanding } from "./serverStanding.ts";
import { Store } from "./store.ts";
import { isBefore } from "./version.ts";
import { type Doing, failureOf, isUnserved, ListUnmarked, PlaceLost } from "./watchFailure.ts";

export interface WatchOptions<T> extends Surroundings, Selectors {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Watch one namespace only. */
  readonly namespace?: string;
  /** In addition to those of the kind. */
  readonly indexes?: Indexes<T>;
  /**
   * A stream silent for this long is abandoned, and a version from which nothing has come for this long. API servers
   * send a bookmark about every minute.
   */
  readonly idleMs?: number;
  /** Objects per page, where lists come in pages. A page is parsed in one go, so a large one stalls the event loop. */
  readonly pageSize?: number;
  /** If given, objects that a later list leaves out are asked for by name before they go (unlisted.ts). */
  readonly server?: ApiServer;
  /**
   * What an earlier process knew. What the first list leaves out of it is asked for by name too, and the store is complete when
   * that is answered.
   */
  readonly expected?: Expected;
}

export interface Expected {
  /** `namespace/name` */
  readonly keys: Iterable<string>;
  /** Whether the server is that of this process' cluster, so that what it does not have by name is gone. */
  readonly isOurs: () => Promise<boolean>;
}

/**
 * The slim objects of `kind`, kept up to date from now on. Returns at once; the store's `ready` resolves when it is
 * complete.
 */
export const watchKind = <K extends Kind>(
  client: KubeClient,
  kind: K,
  options: WatchOptions<KindMap[K]>,
): Store<KindMap[K]> => watchResource<KindMap[K]>(client, kinds[kind], options);

/** As watchKind, for a resource that is not one of Weft's kinds. */
export function watchResource<T extends ObjectMeta>(
  client: KubeClient,
  resource: Watchable<T>,
  options: WatchOptions<T>,
): Store<T> {
  const log = options.log ?? silent;
  const store = new Store<T>({ ...resource.indexes, ...options.indexes }, (error) =>
    log("error", `a listener of ${resource.plural} threw`, { error }),
  );
  void new Watcher(client, resource, store, options).run();
  return store;
}

/** A stream that lasted this long was not a failure, even if nothing happened. */
const livelyAfterMs = 10_000;

class Watcher<T extends ObjectMeta> {
  readonly #client: KubeClient;
  readonly #store: Store<T>;
  readonly #intake: Intake<T>;
  readonly #options: WatchOptions<T>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #path: string;
  readonly #resource: Watchable<T>;
  readonly #standing: ServerStanding;
  readonly #idleMs: number;
  /** For how long, in all, watches have been tried since the server last said anything. */
  #silentMs = 0;
  /** The last watch ended before its time: a server that comes back may have been put back to an earlier state. */
  #wasCutOff = false;
  /** Aborts when what the store holds is of an earlier history, or of a wrong list. */
  #outdated = new AbortController();
  /** Ends the running step. */
  #signal: AbortSignal;

  constructor(client: KubeClient, resource: Watchable<T>, store: Store<T>, options: WatchOptions<T>) {
    this.#client = client;
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
    this.#random = options.random ?? Math.random;
    this.#path = pathOf(resource, options.namespace);
    this.#resource = resource;
    this.#standing = new ServerStanding(resource, options.server);
    this.#idleMs = options.idleMs ?? 150_000;
    const { server, signal } = options;
    this.#signal = AbortSignal.any([signal, this.#outdated.signal]);
    this.#intake = new Intake(
      resource,
      store,
      { clock: this.#clock, log: this.#log },
      server && {
        client,
        server,
        signal,
        listAgain: this.#listAgain,
        isMeant: (raw) => isSelected(raw, options),
      },
    );
  }

  /** Never rejects: whatever happens in a step is a failure to recover from. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const unsubscribe = [this.#client.history.subscribe(this.#beginAnew), this.#followServer()];
    let cycle = beginning;
    while (!signal.aborted) {
      if (this.#outdated.signal.aborted) {
        this.#outdated = new AbortController();
        this.#signal = AbortSignal.any([signal, this.#outdated.signal]);
        cycle = { ...cycle, step: beginning.step };
      }
      const outcome = await this.#perform(cycle.step);
      if (outcome.type === "list broken" && outcome.failure.type === "not served") await this.#takeNone();
      const next = nextAfter(cycle, outcome, this.#random());
      cycle = next.cycle;
      await pause(this.#clock, next.delayMs, this.#signal);
    }
    for (const end of unsubscribe) end();
    this.#store.note({ lagging: true });
  }

  /** What was taken in from a server that is not the known one is listed again when that one is back. */
  #followServer(): () => void {
    const { server } = this.#options;
    if (!server) return () => undefined;
    const doubt = (): void => {
      const { synced, outdated } = this.#store.freshness;
      if (server.doubt === undefined && outdated !== "nothing") this.#listAgain();
      if (server.doubt !== undefined && synced) this.#store.note({ outdated: outdatedBefore(this.#store) });
    };
    const remembered = (): void => {
      const { synced, resourceVersion } = this.#store.freshness;
      if (!synced || (!server.wasAnother && server.isPresent(this.#resource, resourceVersion))) return;
      this.#store.note({ outdated: "everything" });
      this.#listAgain();
    };
    return server.subscribe({ doubt, remembered });
  }

  readonly #beginAnew = (): void => {
    this.#store.note({ resourceVersion: "" });
    this.#listAgain();
  };

  readonly #listAgain = (): void => {
    this.#store.note({ lagging: true });
    this.#outdated.abort(new Error("everything is listed again"));
  };

  /** The server lacks the resource. What it told of before stays: a server that is replaced may lack it for a moment. */
  async #takeNone(): Promise<void> {
    if (this.#store.synced) return;
    this.#log(
      "info",
      `the API server does not serve ${this.#path}; looking for it again from time to time`,
      {},
    );
    const { failure, refused } = this.#store.freshness;
    this.#intake.beginList();
    await this.#intake.completeList("");
    this.#store.note({ failure, refused });
  }

  #perform(step: Step): Promise<Outcome> {
    switch (step.type) {
      case "page":
        if (step.cursor === "") this.#intake.beginList();
        return this.#takePage(step.cursor);
      case "streamed list":
        this.#intake.beginList();
        return this.#takeStream("", { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" });
      case "watch":
        return this.#takeStream(step.resourceVersion, { resourceVersion: step.resourceVersion });
    }
  }

  async #takePage(cursor: string): Promise<Outcome> {
    try {
      if (cursor === "") await this.#standing.beforeList();
      const page = await this.#client.list(this.#path, {
        query: {
          ...selectorQuery(this.#options),
          limit: this.#options.pageSize ?? 250,
          continue: cursor || undefined,
        },
        signal: this.#signal,
      });
      for (const item of page.items) {
        this.#intake.put(item);
        if (this.#intake.due) await this.#intake.rest();
      }
      this.#intake.flush();
      if (page.continue !== "") return { type: "page taken", cursor: page.continue };
      if (page.resourceVersion === "") throw new Error(`the list of ${this.#path} has no resourceVersion`);
      await this.#completeList(page.resourceVersion);
      this.#options.server?.reached(this.#resource, page.resourceVersion);
      return { type: "caught up", resourceVersion: page.resourceVersion, lively: false, failure: undefined };
    } catch (error) {
      return { type: "list broken", failure: this.#failure("list", error) };
    }
  }

  /** Takes in a stream until it ends. `from` is the version it begins after, or "" when it begins with a list. */
  async #takeStream(from: string, query: Query): Promise<Outcome> {
    const began = this.#clock.now();
    // As in client-go: between five and ten minutes, so that the watches of many clients do not end together.
    const seconds = 300 + Math.floor(this.#random() * 300);
    let resourceVersion = from;
    let lively = false;
    let isSilent = true;
    let failure: Failure | undefined;
    try {
      if (resourceVersion === "") await this.#standing.beforeList();
      else if (this.#wasCutOff) await this.#standing.beforeResuming(resourceVersion);
      const chunks = await this.#open(query, seconds);
      if (resourceVersion !== "") this.#store.note({ lagging: false, failure: "", refused: false });
      const lines = new Lines();
      for await (const chunk of chunks) {
        for (const line of lines.push(chunk)) {
          isSilent = false;
          lively ||= resourceVersion !== "";
          resourceVersion = await this.#take(watchEventOf(line), resourceVersion);
          if (this.#intake.due) await this.#intake.rest();
        }
        this.#intake.flush();
        this.#signal.throwIfAborted();
        this.#store.note({ resourceVersion });
        this.#options.server?.reached(this.#resource, resourceVersion);
      }
    } catch (error) {
      failure = this.#failure(resourceVersion === "" ? "streamed list" : "watch", error);
    }
    this.#intake.flush();
    if (resourceVersion === "") return { type: "list broken", failure: failure ?? { type: "other" } };
    const lastedMs = this.#clock.now() - began;
    this.#wasCutOff = lastedMs < seconds * 1000;
    lively ||= lastedMs >= livelyAfterMs;
    this.#silentMs = isSilent ? this.#silentMs + lastedMs : 0;
    if (this.#silentMs >= this.#idleMs)
      failure = this.#failure("watch", new PlaceLost(`not a word after version ${resourceVersion}`));
    return { type: "caught up", resourceVersion, lively, failure };
  }

  #open(query: Query, timeoutSeconds: number): Promise<AsyncIterable<Buffer>> {
    return this.#client.stream(this.#path, {
      query: {
        ...selectorQuery(this.#options),
        watch: true,
        allowWatchBookmarks: true,
        timeoutSeconds,
        ...query,
      },
      idleMs: this.#idleMs,
      signal: this.#signal,
    });
  }

  /** Returns the version up to which the store is complete after `event`; "" while the list is incomplete. */
  async #take(event: WatchEvent, complete: string): Promise<string> {
    if (isBefore(event.resourceVersion, complete))
      throw new PlaceLost(`the server has gone back to version ${event.resourceVersion} from ${complete}`);
    if (event.type === "put") this.#intake.put(event.object);
    if (event.type === "remove") this.#intake.remove(event.namespace, event.name, event.resourceVersion);
    if (complete !== "") return event.resourceVersion;
    if (event.type !== "bookmark") return "";
    if (!event.endsList) throw new ListUnmarked();
    await this.#completeList(event.resourceVersion);
    return event.resourceVersion;
  }

  async #completeList(resourceVersion: string): Promise<void> {
    await this.#standing.requireNewest(resourceVersion);
    if (!this.#store.synced) await this.#takeExpected();
    const before = this.#store.freshness.resourceVersion;
    await this.#intake.completeList(resourceVersion);
    if (!isBefore(resourceVersion, before)) return;
    this.#log(
      "warn",
      `${this.#path}: the API server has gone back to an earlier state; listing everything again`,
      {
        before,
        resourceVersion,
      },
    );
    this.#client.history.restart(this.#beginAnew);
  }

  /** Rejects while nobody can tell of one of them whether it exists. */
  async #takeExpected(): Promise<void> {
    const { server, expected } = this.#options;
    if (!server || !expected) return;
    for (const key of expected.keys) {
      if (this.#intake.hasListed(key)) continue;
      const [namespace = "", name = ""] = key.split("/");
      const answer = await askFor(this.#client, server, this.#resource, namespace, name);
      if (answer.is === "there") {
        if (isSelected(answer.raw, this.#options)) this.#intake.putUnlisted(answer.raw);
      } else if (!(await expected.isOurs()))
        throw new Error(
          `the list of ${this.#path} lacks ${key}, which was there before, and nothing shows that the API server is the one of before`,
        );
    }
  }

  #failure(doing: Doing, error: unknown): Failure {
    if (this.#signal.aborted) return { type: "other" };
    if (doing !== "watch" && this.#resource.optional && isUnserved(error)) {
      this.#noteUnserved(error);
      return { type: "not served" };
    }
    this.#store.note({
      lagging: true,
      failure: error instanceof Error ? error.message : String(error),
      refused: error instanceof KubeError && [401, 403, 404].includes(error.status),
    });
    const failure = failureOf(doing, error);
    if (failure.type === "streamed list refused")
      this.#log("info", `${this.#path}: the server does not stream lists, reading pages instead`, { error });
    else this.#log("warn", `${doing} of ${this.#path} failed, trying again`, { error });
    return failure;
  }

  #noteUnserved(error: KubeError): void {
    if (error.status === 403) {
      this.#log("error", `no right to read ${this.#path}, which counts as empty; grant list and watch`, {
        error,
      });
      this.#store.note({ failure: error.message, refused: true });
    } else if (this.#store.size === 0)
      // There is none, as far as was known before too: whatever went wrong until now is over.
      this.#store.note({ lagging: !this.#store.synced, failure: "", refused: false });
    if (this.#options.server?.doubt === undefined) this.#store.note({ outdated: "nothing" });
  }
}
