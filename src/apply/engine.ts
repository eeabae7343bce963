// One destination's engine: keeps a database equal to its desired facts. It is a loop: gather dirty rows, compare them
// with the replica, send the difference. What becomes dirty meanwhile goes out in the next round. Facts, other writers,
// retries and a lost connection all do the same thing: they make rows dirty.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Owner } from "../model/owner.ts";
import { isOvsdbError, type OvsdbError } from "../ovsdb/index.ts";
import type { Applier, Installed } from "./applier.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { Backlog } from "./backlog.ts";
import { BalancerPace } from "./balancerPace.ts";
import { batches } from "./batch.ts";
import type { Change } from "./change.ts";
import { Condition } from "./condition.ts";
import { type DryRun, dryRun } from "./dryRun.ts";
import type { EngineStatus } from "./engineEvents.ts";
import { batchLimits, type EngineOptions, pruneLimits } from "./engineOptions.ts";
import { ImpossibleFactsError } from "./errors.ts";
import type { Mark } from "./generations.ts";
import { LiveWorld } from "./liveWorld.ts";
import { lookAt, wholeRow } from "./look.ts";
import { lostEndpoints } from "./lostEndpoints.ts";
import { Penalties } from "./penalties.ts";
import { PruneGuard } from "./pruneGuard.ts";
import { Rebirths } from "./rebirths.ts";
import { type Commit, type Outcomes, Sender } from "./sender.ts";
import { Slicer } from "./slicer.ts";
import { survey } from "./survey.ts";
import type { World } from "./world.ts";

const firstPauseMs = 100;
const longestPauseMs = 5_000;

export class Engine implements Applier {
  readonly #options: EngineOptions;
  readonly #backlog: Backlog;
  readonly #sender: Sender;
  readonly #world: LiveWorld;
  readonly #guard: PruneGuard;
  readonly #penalties = new Penalties();
  readonly #rebirths: Rebirths;
  readonly #pace: BalancerPace;
  /** There may be work for the loop. */
  readonly #work = new Condition();
  /** A flush has ended. */
  readonly #progress = new Condition();
  #idle = false;
  /** When the oldest fact arrived that has not been taken yet. */
  #dirtySince: number | undefined;
  /** When held deletions may have become few enough to be released. */
  #recheckAt: number | undefined;
  /** Until then only what facts name is compared: a row or member without facts may still be wanted. */
  #isSynced = false;
  #reportedHeld = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { database, session, replica, fence, clock } = options;
    this.#backlog = new Backlog(options.desired.database(options.destination));
    this.#sender = new Sender({ database, session, replica, fence, clock });
    this.#world = new LiveWorld(options, () => this.#isSynced);
    const release = (changes: readonly Change[]): void => {
      this.#backlog.again(changes.map(lookAt));
      this.#work.notify();
    };
    this.#rebirths = new Rebirths({ generations: options.generations, clock, release });
    this.#pace = new BalancerPace({ clock, release });
    this.#guard = new PruneGuard(pruneLimits(options), (table, uuid) => this.#world.nameOf(table, uuid));
  }

  /**
   * Works until `signal` aborts. Rejects with a `FenceLostError` when another controller took the fence, and never
   * writes again after that.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { replica, clock, desired, destination } = this.#options;
    using stack = new DisposableStack();
    stack.defer(
      replica.subscribe((changes) => {
        this.#backlog.changed(changes);
        this.#work.notify();
      }),
    );
    stack.defer(
      desired.database(destination).subscribe(() => {
        this.#dirtySince = clock.now();
        this.#work.notify();
      }),
    );
    try {
      await replica.ready(signal);
      if (this.#isSynced) this.#backlog.markScan(this.#world.rows());
      await this.#loop(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  owners(): Iterable<Owner> {
    return this.#world.owners();
  }

  /**
   * The inputs of all plans are complete. Until this is called, the engine adds and changes but removes nothing. What is
   * wanted was compared when it was stated, so only what may go is compared now.
   */
  allSynced(): void {
    this.#isSynced = true;
    this.#guard.allSynced();
    this.#backlog.markScan(this.#world.mayLose());
    this.#lookAtHeld();
  }

  /** As long as there is a `reason`, nothing is deleted, whatever any owner says. */
  suspendPrune(reason: string | undefined): void {
    this.#guard.suspend(reason);
    this.#lookAtHeld();
  }

  /** Releases the deletions that are held now. */
  approvePrune(): void {
    this.#guard.approve();
    this.#lookAtHeld();
  }

  /** Resolves when there is nothing to do except what waits for a retry, for other rows or for approval. */
  settled(signal?: AbortSignal): Promise<void> {
    return this.#progress.until(
      () => this.#idle && this.#backlog.size === 0 && !this.#pace.isHolding,
      signal,
    );
  }

  /** Resolves when the database holds all rows and members that `owner` states, and no row that it no longer states. */
  committed(owner: Owner, signal?: AbortSignal): Promise<void> {
    return this.#progress.until(() => this.#backlog.isCommitted(owner), signal);
  }

  isCommitted(owner: Owner): boolean {
    return this.#backlog.isCommitted(owner);
  }

  async mark(signal?: AbortSignal): Promise<Mark | undefined> {
    return this.#options.generations?.mark(signal);
  }

  /** By the numbers that ovn-controllers report (generations.ts). */
  async installed(owner: Owner, chassis: readonly string[], signal?: AbortSignal): Promise<Installed> {
    await this.committed(owner, signal);
    const isThere = await this.#options.generations?.reached(chassis, signal);
    return isThere === true ? "installed" : "unknown";
  }

  get status(): EngineStatus {
    return {
      dirty: this.#backlog.size,
      pendingOwners: this.#backlog.pendingOwners,
      refused: this.#penalties.size,
      heldRows: this.#guard.heldRows,
    };
  }

  /** What `run` would send now, as if all inputs were synced. Sends nothing and takes no facts. */
  async dryRun(signal?: AbortSignal): Promise<DryRun> {
    await this.#options.replica.ready(signal);
    return dryRun(this.#options, this.#world);
  }

  /** Table -> the number of Weft's rows in it, without the fence. */
  owned(): ReadonlyMap<string, number> {
    return this.#world.owned();
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { log, replica, fence } = this.#options;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      // Another controller that takes the fence is noticed at once, even while there is nothing to write.
      const lost = fence?.takenIn(replica);
      if (lost) throw lost;
      this.#lookAtDue();
      if (this.#backlog.size === 0) {
        await this.#sleep(signal);
        continue;
      }
      await replica.ready(signal);
      // Facts arrive one by one. Those stated in this turn of the event loop go out together.
      await nextTurn();
      try {
        await this.#flush(signal);
        pauseMs = firstPauseMs;
      } catch (error) {
        if (signal.aborted || !isOvsdbError(error) || error.code === "closed") throw error;
        log("warn", "the database did not answer; comparing everything again", {
          error: error.message,
          pauseMs,
        });
        await this.#pause(pauseMs, signal);
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    }
  }

  /** One round: compares everything dirty, and sends what differs. */
  async #flush(signal: AbortSignal): Promise<void> {
    const backlog = this.#backlog;
    const { clock } = this.#options;
    const start = clock.now();
    const queuedMs = this.#dirtySince === undefined ? 0 : start - this.#dirtySince;
    this.#dirtySince = undefined;
    const world = this.#world.now();
    const slicer = new Slicer(clock.now);
    const { rows, groups } = await survey({
      world,
      slicer,
      take: () => backlog.take(world, this.#guard),
      waitingFor: (uuid) => backlog.waitingFor(uuid),
    });
    const timing = { queuedMs, diffMs: clock.now() - start };
    const outcomes: Outcomes = {
      committed: (commit) => {
        this.#rebirths.going(commit.groups, signal);
        this.#pace.committed();
        this.#committed(commit, timing);
      },
      refused: (group, error) => this.#refuse(group, error),
      unmet: (group) => backlog.leave(group),
      doubtful: (group) => {
        backlog.leave(group);
        backlog.again(group.changes.map(lookAt));
      },
    };
    try {
      this.#guard.forget(rows);
      const possible = await slicer.run(this.#possible(groups, world, signal));
      const owned = (): number => this.#world.countOwned();
      const { sendable, held } = await slicer.run(this.#guard.sort(possible, world, owned, clock.now()));
      backlog.again(this.#guard.inTheWayOf(sendable, world).map(wholeRow));
      for (const group of held) backlog.leave(group);
      this.#rebirths.going(sendable, signal);
      this.#pace.sending(sendable, world);
      const lost = lostEndpoints(sendable, world);
      if (lost.length > 0) this.#options.events?.lost?.(lost);
      for (const batch of await slicer.run(batches(sendable, batchLimits(this.#options))))
        await this.#sender.send(batch, world, outcomes, signal);
    } catch (error) {
      for (const row of rows.values()) backlog.retry(row);
      backlog.endFlush();
      throw error;
    }
    for (const [table, uuid] of rows.entries()) {
      backlog.settle(table, uuid);
      if (slicer.due) await slicer.pause();
    }
    backlog.endFlush();
    this.#penalties.forgetTried();
    this.#reportHeld();
    this.#progress.notify();
  }

  /** The groups that may be tried now. The others are left waiting. */
  *#possible(
    groups: readonly AtomicGroup[],
    world: World,
    signal: AbortSignal,
  ): Generator<void, readonly AtomicGroup[]> {
    const possible: AtomicGroup[] = [];
    for (const group of groups) {
      const mayTry =
        !group.incomplete &&
        this.#penalties.mayTry(group) &&
        this.#rebirths.mayTry(group, signal) &&
        this.#pace.mayTry(group, world);
      if (!mayTry) this.#backlog.leave(group);
      else if (group.problem === undefined) possible.push(group);
      else this.#refuse(group, new ImpossibleFactsError(group.problem));
      yield;
    }
    return possible;
  }

  #committed(commit: Commit, timing: { readonly queuedMs: number; readonly diffMs: number }): void {
    const { groups, operations, bytes, commitMs } = commit;
    const changes = groups.flatMap((group) => group.changes);
    this.#guard.removed(groups, this.#options.clock.now());
    this.#options.events?.committed?.({
      ...timing,
      owners: this.#ownersOf(changes),
      operations,
      bytes,
      commitMs,
      drift: this.#backlog.driftIn(changes),
    });
  }

  #refuse(group: AtomicGroup, error: OvsdbError | ImpossibleFactsError): void {
    const owners = this.#ownersOf(group.changes);
    const penalty = this.#penalties.add(group, this.#options.clock.now());
    this.#backlog.leave(group);
    const fields = { owners: [...owners], error: error.message, ...penalty };
    this.#options.log("warn", "facts were refused; the others are not affected", fields);
    this.#options.events?.refused?.({ owners, error, ...penalty });
  }

  #ownersOf(changes: readonly Change[]): ReadonlySet<Owner> {
    return new Set(changes.flatMap((change) => [...this.#backlog.ownersOf(change)]));
  }

  #reportHeld(): void {
    const rows = this.#guard.heldRows;
    if (!this.#isSynced || rows === this.#reportedHeld) return;
    this.#reportedHeld = rows;
    this.#options.events?.pruneHeld?.(this.#guard.report(this.#world.countOwned()));
  }

  #lookAtHeld(): void {
    this.#backlog.again([...this.#guard.held.values()].map(wholeRow));
    this.#work.notify();
  }

  /** Marks what becomes due with time: retries, and held deletions once earlier ones have left the window. */
  #lookAtDue(): void {
    const now = this.#options.clock.now();
    this.#backlog.again(this.#penalties.takeDue(now).map(lookAt));
    if (this.#guard.mayRelease(() => this.#world.countOwned(), now))
      this.#backlog.again([...this.#guard.held.values()].map(wholeRow));
    this.#recheckAt = this.#guard.heldRows > 0 ? now + this.#guard.windowMs : undefined;
  }

  /** Sleeps until there is work, or until something becomes due. */
  async #sleep(signal: AbortSignal): Promise<void> {
    const due = Math.min(this.#penalties.nextDue ?? Infinity, this.#recheckAt ?? Infinity);
    this.#idle = true;
    this.#progress.notify();
    try {
      await this.#pause(due - this.#options.clock.now(), signal, () => this.#backlog.size > 0);
    } finally {
      this.#idle = false;
    }
  }

  /** Waits for `ms`, or until `isOver`. */
  async #pause(ms: number, signal: AbortSignal, isOver = () => false): Promise<void> {
    let timedOut = false;
    const timeOut = (): void => {
      timedOut = true;
      this.#work.notify();
    };
    const cancel = ms < Infinity ? this.#options.clock.after(Math.max(0, ms), timeOut) : undefined;
    await this.#work.until(() => timedOut || isOver(), signal).finally(cancel);
  }
}
