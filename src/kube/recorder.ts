// Kubernetes Events about objects, for people who run `kubectl describe`. Best effort and bounded: a repeated event
// only raises the count of the first, writes go out one at a time with a pause between them, and no failure here
// reaches the caller.

import type { KubeClient } from "./client.ts";
import { type Clock, type Log, type Surroundings, silent, systemClock } from "./clock.ts";
import { isAlreadyExists, isNotFound, KubeError } from "./error.ts";
import type { Json } from "./json.ts";
import { kinds, type ObjectRef } from "./kinds.ts";

import { apiVersionOf, events, pathOf } from "./resource.ts";

export interface EventRecorderOptions extends Surroundings {
  readonly client: KubeClient;
  /** Who reports: `weft-controller`. */
  readonly component: string;
  /** The node it runs on, or "". */
  readonly host?: string;
}

export type EventType = "Normal" | "Warning";

/** One Event object, as it is or as it will be. */
interface Entry {
  readonly namespace: string;
  readonly name: string;
  readonly object: ObjectRef;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  /** For people to read; `lastMs` beside it is for computing. */
  readonly firstTime: string;
  lastTime: string;
  lastMs: number;
  /** How often it has happened, and the count that the API server knows; 0 before the Event exists. */
  count: number;
  written: number;
  failures: number;
  /** Not to be written again before this time. */
  dueMs: number;
}

const maxEntries = 1000;
/** Between two writes, whatever they are about. */
const spacingMs = 50;
/** Between two writes about the same thing. */
const repeatMs = 30_000;
const maxFailures = 5;
/** After this long without a recurrence, the next one becomes a new Event: API servers forget Events after an hour. */
const forgetMs = 30 * 60_000;
const maxMessageLength = 1024;

export class EventRecorder implements AsyncDisposable {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Log;
  /** What happened to whom ▶ its Event. */
  readonly #entries = new Map<string, Entry>();
  readonly #closed = new AbortController();
  #sending: Promise<void> | undefined;
  #callOffTimer: () => void = () => undefined;
  #notBeforeMs = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#log = options.log ?? silent;
  }

  /** Records that `reason` (CamelCase, for machines) happened to `object`. Returns at once and never throws. */
  record(object: ObjectRef, type: EventType, reason: string, message: string): void {
    if (this.#closed.signal.aborted) return;
    const now = this.#clock.now();
    const time = timeOf(this.#clock.wall());
    const shortened = message.slice(0, maxMessageLength);
    const key = JSON.stringify([
      object.kind,
      object.namespace,
      object.name,
      object.uid,
      type,
      reason,
      shortened,
    ]);
    const known = this.#entries.get(key);
    if (known && now - known.lastMs < forgetMs) {
      known.count++;
      known.lastMs = now;
      known.lastTime = time;
    } else {
      if (!known && !this.#makeRoom()) {
        this.#log("warn", "too many events at once, dropping one", { reason, message: shortened });
        return;
      }
      const { kind, namespace, name, uid } = object;
      this.#entries.set(key, {
        namespace: namespace || "default",
        name: `${name.slice(0, 230)}.${this.#suffix()}`,
        object: { kind, namespace, name, uid },
        type,
        reason,
        message: shortened,
        firstTime: time,
        lastTime: time,
        lastMs: now,
        count: 1,
        written: 0,
        failures: 0,
        dueMs: now,
      });
    }
    this.#schedule();
  }

  /** Forgets what has not been sent yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#callOffTimer();
    await this.#sending;
  }

  #schedule(): void {
    if (this.#sending || this.#closed.signal.aborted) return;
    this.#callOffTimer();
    const waiting = [...this.#entries.values()].filter((entry) => entry.count > entry.written);
    if (waiting.length === 0) return;
    const next = waiting.reduce((first, entry) => (entry.dueMs < first.dueMs ? entry : first));
    const delayMs = Math.max(next.dueMs, this.#notBeforeMs) - this.#clock.now();
    this.#callOffTimer = this.#clock.after(Math.max(delayMs, 0), () => {
      this.#sending = this.#send(next);
    });
  }

  /** Never rejects. */
  async #send(entry: Entry): Promise<void> {
    const { count } = entry;
    try {
      await this.#write(entry);
      entry.written = count;
      entry.failures = 0;
      entry.dueMs = this.#clock.now() + repeatMs;
    } catch (error) {
      this.#failed(entry, error);
    }
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#clock.now() + spacingMs);
    this.#sending = undefined;
    this.#schedule();
  }

  async #write(entry: Entry): Promise<void> {
    const { client } = this.#options;
    const { namespace, name, count, lastTime } = entry;
    const request = { signal: this.#closed.signal };
    if (entry.written > 0) {
      try {
        const patch = { count, lastTimestamp: lastTime };
        await client.patch(pathOf(events, namespace, name), patch, request);
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    try {
      await client.create(pathOf(events, namespace), this.#eventOf(entry), request);
    } catch (error) {
      // Nobody else uses the name: an earlier attempt got through, only its answer was lost.
      if (!isAlreadyExists(error)) throw error;
    }
  }

  #failed(entry: Entry, error: unknown): void {
    if (this.#closed.signal.aborted) return;
    entry.failures++;
    if (!(error instanceof KubeError && error.retryable) || entry.failures > maxFailures) {
      this.#log("warn", "an event cannot be written and is dropped", { reason: entry.reason, error });
      entry.written = entry.count;
      entry.failures = 0;
      return;
    }
    const now = this.#clock.now();
    entry.dueMs = now + 1000 * 2 ** entry.failures * (0.5 + this.#random() / 2);
    this.#notBeforeMs = now + (error.retryAfterMs ?? 0);
  }

  #eventOf(entry: Entry): Json {
    const { component, host = "" } = this.#options;
    const { kind, namespace, name, uid } = entry.object;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace: entry.namespace, name: entry.name },
      involvedObject: { apiVersion: apiVersionOf(kinds[kind]), kind, namespace, name, uid },
      type: entry.type,
      reason: entry.reason,
      message: entry.message,
      source: { component, host },
      reportingComponent: component,
      reportingInstance: host,
      firstTimestamp: entry.firstTime,
      lastTimestamp: entry.lastTime,
      count: entry.count,
    };
  }

  /** Forgets the oldest entry that has nothing left to write. */
  #makeRoom(): boolean {
    if (this.#entries.size < maxEntries) return true;
    for (const [key, entry] of this.#entries) {
      if (entry.count === entry.written) return this.#entries.delete(key);
    }
    return false;
  }

  #suffix(): string {
    return Array.from({ length: 16 }, () => Math.floor(this.#random() * 16).toString(16)).join("");
  }
}

/** metav1.Time has whole seconds. */
const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, "");
