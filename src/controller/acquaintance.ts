// Compares the API server with what earlier terms remember of it. While it is another server, or shows an older state,
// nothing is deleted. It is trusted again when a person says so, or when it lists everything that Weft has rows for. Then
// everything is listed again, and nothing is deleted before the plans follow those lists.

import type { Appliers } from "../apply/appliers.ts";
import type { Memory } from "../apply/memory.ts";
import type { ApiServer } from "../kube/apiServer.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import { type AnyStore, everyStore, type Stores } from "../kube/stores.ts";
import { rememberedText } from "../model/remembered.ts";

export interface AcquaintanceOptions {
  readonly server: ApiServer;
  readonly stores: Stores;
  readonly appliers: Appliers;
  readonly memory: Pick<Memory, "read" | "write">;
  /** Whether every object that has rows is listed. */
  readonly hasAllWithRows: () => boolean;
  /** Resolves when everything that the stores have told is planned, also what was put off because of doubts. */
  readonly replanned: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const lookMs = 5_000;
const writeMs = 60_000;
const untilListedMs = 200;

export class Acquaintance {
  readonly #options: AcquaintanceOptions;
  /** The number of lists of each kind that had been taken in when the doubt began. */
  #listsBefore: readonly number[] = [];
  #written = "";
  #writtenAt = Number.NEGATIVE_INFINITY;
  #isRecovering = false;

  constructor(options: AcquaintanceOptions) {
    this.#options = options;
  }

  /** What is known of the server has been written down for the next term. */
  get isWritten(): boolean {
    return this.#written !== "";
  }

  /** Resolves when the server has been compared with what is remembered. Until `signal` aborts, doubts are passed on. */
  async begin(signal: AbortSignal): Promise<void> {
    const { server, memory, clock, log, stores } = this.#options;
    const remembered = memory.read();
    if (remembered) {
      this.#written = rememberedText(remembered);
      this.#writtenAt = clock.now();
    }
    while (!signal.aborted) {
      try {
        await (remembered ? server.remember(remembered) : server.lookAround());
        break;
      } catch (error) {
        log("warn", "the API server cannot be identified", { error });
        // Nothing is remembered to compare the server with, so it is accepted.
        if (!remembered) break;
        await pause(clock, 1_000, signal);
      }
    }
    // The stores may hold objects of the present server or of an earlier one.
    this.#passOn(signal);
    const stop = server.subscribe({
      doubt: () => {
        this.#listsBefore = everyStore(stores).map(({ freshness }) => freshness.lists);
        this.#passOn(signal);
      },
      // The next term must know the server that a person has accepted.
      believed: () => {
        this.#writtenAt = Number.NEGATIVE_INFINITY;
      },
    });
    signal.addEventListener("abort", stop);
  }

  /** Believes the server when it lists everything, and writes down what is known of it, until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { server, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        // Perhaps the known server is back, and no watch has noticed.
        if (server.doubt !== undefined) await server.lookAround();
        if ((server.doubt !== undefined || !server.isProven) && this.#isWhole()) server.believe();
        await this.#write(signal);
      } catch (error) {
        log("debug", "the API server does not answer, or what is known of it cannot be written down", {
          error,
        });
      }
      await pause(clock, lookMs, signal);
    }
  }

  #passOn(signal: AbortSignal): void {
    const { server, appliers, log } = this.#options;
    const { doubt } = server;
    const reason = doubt ?? this.#outdated;
    if (reason === undefined) return;
    appliers.suspendPrune(reason);
    if (doubt !== undefined)
      log(
        "error",
        `${doubt}: nothing is deleted until it lists everything that has rows. To trust it, send SIGUSR2 to this process`,
        {},
      );
    if (!this.#isRecovering) void this.#recover(signal);
  }

  /** Which stores hold an earlier state, as a sentence; undefined when all show the present one. */
  get #outdated(): string | undefined {
    const kinds = Object.entries(this.#options.stores).filter(
      ([, { freshness }]) => freshness.outdated !== "nothing",
    );
    return kinds.length === 0
      ? undefined
      : `lists may be older than what is already known, and are repeated: ${kinds.map(([kind]) => kind).join(", ")}`;
  }

  /** Waits until the known server has listed everything again, and plans follow it. Until then deletions wait. */
  async #recover(signal: AbortSignal): Promise<void> {
    const { server, appliers, replanned, clock, log } = this.#options;
    this.#isRecovering = true;
    const isDoubtful = (): boolean => server.doubt !== undefined || this.#outdated !== undefined;
    while (!signal.aborted && isDoubtful()) {
      await pause(clock, untilListedMs, signal);
      if (!signal.aborted && !isDoubtful()) await replanned();
    }
    this.#isRecovering = false;
    if (signal.aborted) return;
    appliers.suspendPrune(undefined);
    log("info", "the API server is the known one, and has listed everything", {});
  }

  /** Whether everything that the stores and the databases knew before is listed. */
  #isWhole(): boolean {
    const { server, stores, appliers, hasAllWithRows } = this.#options;
    const { heldRows, dirty } = appliers.status;
    const isListed = everyStore(stores).every(
      ({ size, freshness }, index) =>
        freshness.unlisted === 0 && (size === 0 || freshness.lists > (this.#listsBefore[index] ?? 0)),
    );
    // What another cluster's server listed before it was recognised as such is not planned.
    const isUnplanned = server.isAnother && everyStore(stores).some(isOutdated);
    return isListed && (isUnplanned ? hasAllWithRows() : heldRows === 0 && dirty === 0);
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { server, memory, clock } = this.#options;
    const known = server.isProven ? server.memory : undefined;
    if (!known) return;
    const text = rememberedText(known);
    const isDue = clock.now() - this.#writtenAt >= writeMs;
    if (text === this.#written || !isDue) return;
    await memory.write(known, signal);
    this.#written = text;
    this.#writtenAt = clock.now();
  }
}

const isOutdated = ({ freshness }: AnyStore): boolean => freshness.outdated === "everything";
