// The work queue: owners whose plan may have changed. An owner waits at most once. If it changes while it is being
// planned, it is planned again afterwards. If its plan fails, it comes back after a back-off of its own, while all
// others go on. An owner whose decision waits for the API server holds up nobody, however many such owners there are.
// Owners whose rows others refer to come first: until they are planned, the rows of all the others wait.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Owner } from "../model/owner.ts";

export interface QueueOptions {
  /** Whether the owner is taken before all others; none is by default. */
  readonly isFirst?: (owner: Owner) => boolean;
  /** Plans one owner. If it rejects, the owner comes back after a back-off; `work` itself reports the error. */
  readonly work: (owner: Owner) => Promise<void>;
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly random: () => number;
  /** The longest time for which owners are taken without giving other events a turn. */
  readonly sliceMs: number;
}

export class OwnerQueue {
  readonly #options: QueueOptions;
  /** Each in order of arrival. */
  readonly #first = new Set<Owner>();
  readonly #waiting = new Set<Owner>();
  #inOrder = this.#waiting.values();
  readonly #inHand = new Set<Owner>();
  /** Those in hand that have changed meanwhile. */
  readonly #changed = new Set<Owner>();
  readonly #failures = new Map<Owner, number>();
  readonly #timers = new Map<Owner, NodeJS.Timeout>();
  #wake: () => void = () => undefined;
  /** The event loop's next turn, while something waits for it. Many owners finish within one turn. */
  #turn: Promise<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Owners that wait or are being planned, except those in back-off. */
  get depth(): number {
    return this.#first.size + this.#waiting.size + this.#inHand.size;
  }

  /** Owners whose last plan failed. */
  get failing(): number {
    return this.#failures.size;
  }

  /** Queues the owner, and ends its back-off because something about it has changed. */
  add(owner: Owner): void {
    this.#stopTimer(owner);
    if (this.#inHand.has(owner)) this.#changed.add(owner);
    else this.#queueOf(owner).add(owner);
    this.#wake();
  }

  /** Queues the owner after a delay, unless it is queued before. */
  addLater(owner: Owner, delayMs: number): void {
    if (this.isWaiting(owner)) return;
    this.#stopTimer(owner);
    this.#timers.set(owner, setTimeout(() => this.add(owner), delayMs).unref());
  }

  /** Whether the owner is to be planned, or planned again. */
  isWaiting(owner: Owner): boolean {
    return this.#queueOf(owner).has(owner) || this.#changed.has(owner);
  }

  /** Whether the owner's last plan failed. */
  hasFailed(owner: Owner): boolean {
    return this.#failures.has(owner);
  }

  /** Resolves when nothing waits and nothing is being planned, back-offs aside, and also when `run` ends. */
  idle(): Promise<void> {
    return this.depth === 0 ? Promise.resolve() : this.nextIdle();
  }

  /** Like `idle`, but only after something more was planned. */
  nextIdle(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** Works until the signal aborts. Can be run again after that, with the owners it still holds. */
  async run(signal: AbortSignal): Promise<void> {
    const woken = (): void => this.#wake();
    signal.addEventListener("abort", woken);
    let sliceEnd = performance.now() + this.#options.sliceMs;
    while (!signal.aborted) {
      const owner = this.#next();
      // Lets an owner that waits for nobody finish before the next is taken. Otherwise all would finish in one stretch.
      if (owner !== undefined) await Promise.race([this.#take(owner), this.#nextTurn()]);
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      // Waking up does not count as a pause: what an owner waited for may come with no other event in between.
      if (performance.now() < sliceEnd) continue;
      await nextTurn();
      sliceEnd = performance.now() + this.#options.sliceMs;
    }
    signal.removeEventListener("abort", woken);
    for (const [owner, timer] of this.#timers) {
      clearTimeout(timer);
      this.#queueOf(owner).add(owner);
    }
    this.#timers.clear();
    this.#endWait();
  }

  #nextTurn(): Promise<void> {
    this.#turn ??= this.#endOfTurn();
    return this.#turn;
  }

  async #endOfTurn(): Promise<void> {
    await nextTurn();
    this.#turn = undefined;
  }

  #queueOf(owner: Owner): Set<Owner> {
    return this.#options.isFirst?.(owner) === true ? this.#first : this.#waiting;
  }

  /**
   * The owner to plan next; the caller takes it. One iterator goes on from call to call, because a set keeps the places of
   * what was deleted, and each new iterator would step over all of them. Those that come first are too few for that.
   */
  #next(): Owner | undefined {
    const [first] = this.#first;
    if (first !== undefined) return first;
    const next = this.#inOrder.next();
    if (!next.done) return next.value;
    this.#inOrder = this.#waiting.values();
    return this.#inOrder.next().value;
  }

  async #take(owner: Owner): Promise<void> {
    this.#queueOf(owner).delete(owner);
    this.#inHand.add(owner);
    const failed = await this.#options.work(owner).then(
      () => false,
      () => true,
    );
    this.#inHand.delete(owner);
    if (!failed) this.#failures.delete(owner);
    if (this.#changed.delete(owner)) this.#queueOf(owner).add(owner);
    else if (failed) this.#backOff(owner);
    if (this.depth === 0) this.#endWait();
    this.#wake();
  }

  #endWait(): void {
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #backOff(owner: Owner): void {
    const failures = (this.#failures.get(owner) ?? 0) + 1;
    this.#failures.set(owner, failures);
    const { firstBackoffMs, maxBackoffMs, random } = this.#options;
    const delayMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (failures - 1)) * (0.5 + random() / 2);
    this.addLater(owner, delayMs);
  }

  #stopTimer(owner: Owner): void {
    clearTimeout(this.#timers.get(owner));
    this.#timers.delete(owner);
  }
}
