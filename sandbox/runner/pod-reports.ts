// What a pod's worker tells the API: its status (only the newest; changes gather while one is being sent), its Events,
// and finally that the object may go. Failures are retried here, so the worker never waits for the API.

import { setTimeout as sleep } from "node:timers/promises";
import type { Pod, PodStatus } from "../client/objects.ts";

export interface ReportsApi {
  /** False when the pod is gone, or another of the same name has replaced it. */
  readonly patchStatus: (pod: Pod, status: PodStatus) => Promise<boolean>;
  /** Deletes the object without grace. The pod may already be gone. */
  readonly remove: (pod: Pod) => Promise<void>;
  readonly event: (pod: Pod, type: "Normal" | "Warning", reason: string, message: string) => void;
}

export interface ReportsSource {
  readonly pod: () => Pod;
  /** @param earlier what the API has, as far as is known. */
  readonly status: (earlier: PodStatus | undefined) => PodStatus;
  readonly log: (message: string) => void;
}

const retryMs = { first: 200, most: 10_000 } as const;

export class PodReports {
  readonly #api: ReportsApi;
  readonly #source: ReportsSource;
  #sent: PodStatus | undefined;
  #wanted = false;
  #stopped = false;
  #sending: Promise<void> | undefined;

  constructor(api: ReportsApi, source: ReportsSource) {
    this.#api = api;
    this.#source = source;
  }

  /** Sends the status as it is when its turn comes. */
  publish(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  /** Resolves when the API has the newest status, or nobody wants it any more. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  /** The object is gone: no more statuses are sent. */
  stop(): void {
    this.#stopped = true;
  }

  event(type: "Normal" | "Warning", reason: string, message: string): void {
    if (!this.#stopped) this.#api.event(this.#source.pod(), type, reason, message);
  }

  async remove(): Promise<void> {
    await this.#persist("deletion", () => this.#api.remove(this.#source.pod()));
  }

  async #send(): Promise<void> {
    await Promise.resolve(); // one status for all that changes in this turn of the event loop
    while (this.#wanted && !this.#stopped) {
      await this.#persist("status", async () => {
        this.#wanted = false;
        const pod = this.#source.pod();
        const status = this.#source.status(this.#sent ?? pod.status);
        if (JSON.stringify(status) === JSON.stringify(this.#sent)) return;
        if (!(await this.#api.patchStatus(pod, status))) this.#stopped = true;
        this.#sent = status;
      });
    }
  }

  /** Retries until it succeeds, or the object is gone. */
  async #persist(what: string, work: () => Promise<void>): Promise<void> {
    for (let delayMs: number = retryMs.first; !this.#stopped; delayMs = Math.min(delayMs * 2, retryMs.most)) {
      try {
        await work();
        return;
      } catch (error) {
        this.#source.log(`${what} not sent yet: ${error instanceof Error ? error.message : String(error)}`);
      }
      await sleep(delayMs, undefined, { ref: false });
    }
  }
}
