// Sends batches. A refused batch is split in half, and each half again, until the refused groups are alone; everything
// else is committed. After a commit it waits until the replica shows it, because a large update reaches the replica
// slightly later than the answer arrives.

import {
  type AnyReplica,
  type Clock,
  type Database,
  isOvsdbError,
  type OvsdbError,
  type Session,
  Transaction,
} from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { bytesOfGroup, ready, transactionOf } from "./batch.ts";
import { isVisible } from "./diff.ts";
import type { Fence } from "./fence.ts";
import { takesWanted } from "./taking.ts";
import type { World } from "./world.ts";

export interface SenderOptions {
  readonly database: Database<unknown>;
  readonly session: Pick<Session, "transact">;
  readonly replica: Pick<AnyReplica, "subscribe">;
  readonly fence: Fence | undefined;
  readonly clock: Clock;
}

export interface Commit {
  readonly groups: readonly AtomicGroup[];
  readonly operations: number;
  readonly bytes: number;
  readonly commitMs: number;
}

/** What happened to the groups of a batch. */
export interface Outcomes {
  committed(commit: Commit): void;
  refused(group: AtomicGroup, error: OvsdbError): void;
  /** Not sent: a row that it needs was not inserted. */
  unmet(group: AtomicGroup): void;
  /** To be compared again: it was committed but a row was gone, or something that it takes away has become wanted. */
  doubtful(group: AtomicGroup): void;
}

/** If the replica does not show a commit within this time, the rows are compared again, which is never wrong. */
const patienceMs = 5_000;

export class Sender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /**
   * Commits what it can of `batch`. Rejects with a `FenceLostError` when another controller leads, and with the
   * `OvsdbError` when the connection failed: then some groups may be committed without any report.
   */
  async send(
    batch: readonly AtomicGroup[],
    world: World,
    outcomes: Outcomes,
    signal: AbortSignal,
  ): Promise<void> {
    const present = batch.filter((group) => {
      const isOutdated = takesWanted(group, world);
      if (isOutdated) outcomes.doubtful(group);
      return !isOutdated;
    });
    const groups = ready(present, world);
    if (groups.length < present.length) {
      const kept = new Set(groups);
      for (const group of present) if (!kept.has(group)) outcomes.unmet(group);
    }
    if (groups.length === 0) return;
    const refusal = await this.#commit(groups, world, outcomes, signal);
    if (!refusal) return;
    const [first] = groups;
    if (groups.length === 1 && first) {
      outcomes.refused(first, refusal);
      return;
    }
    const middle = groups.length >> 1;
    await this.send(groups.slice(0, middle), world, outcomes, signal);
    await this.send(groups.slice(middle), world, outcomes, signal);
  }

  async #commit(
    groups: readonly AtomicGroup[],
    world: World,
    outcomes: Outcomes,
    signal: AbortSignal,
  ): Promise<OvsdbError | undefined> {
    const { clock, database, fence, session } = this.#options;
    const empty = new Transaction(database);
    const transaction = transactionOf(groups, world, fence ? fence.guard(empty) : empty);
    const start = clock.now();
    using witness = this.#witness(groups, world);
    try {
      await session.transact(transaction, { signal });
    } catch (error) {
      const lost = fence?.lost(error);
      if (lost) throw lost;
      if (!isOvsdbError(error) || error.retryable || error.outcomeUnknown || error.code === "closed")
        throw error;
      if (error.outcome !== "committed") return error;
      for (const group of groups) outcomes.doubtful(group);
      return undefined;
    }
    const commitMs = clock.now() - start;
    await witness.seen();
    const bytes = groups.reduce((sum, group) => sum + bytesOfGroup(group), 0);
    outcomes.committed({ groups, operations: transaction.size, bytes, commitMs });
    return undefined;
  }

  /**
   * Watches one change of the transaction, starting before it is sent, because another writer may undo it at once. One
   * change is enough: the replica shows transactions whole.
   */
  #witness(groups: readonly AtomicGroup[], world: World): Disposable & { seen(): Promise<void> } {
    const { clock, replica } = this.#options;
    const change = groups[0]?.changes[0];
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (!change || isVisible(change, world)) resolve();
    };
    const stack = new DisposableStack();
    stack.defer(replica.subscribe(look));
    return {
      seen: () => {
        look();
        stack.defer(clock.after(patienceMs, resolve));
        return promise;
      },
      [Symbol.dispose]: () => stack.dispose(),
    };
  }
}
