// How far OVN has got with the contents of a northbound database. The database numbers its states on request
// (ovn-nb(5), nb_cfg). ovn-northd repeats the number in the southbound database once it has translated that state, and
// each ovn-controller in its own row of Chassis_Private once the flows are in place (ovn-sb(5)). Each number costs
// northd a pass, so everyone who waits at the same time shares one.

import { type NorthboundTables, northbound } from "../ovn/northbound.gen.ts";
import type { SouthboundTables } from "../ovn/southbound.gen.ts";
import { isOvsdbError, type Replica, type Selected, type Session, Transaction } from "../ovsdb/index.ts";
import { Condition } from "./condition.ts";
import type { Fence } from "./fence.ts";

export interface GenerationsOptions {
  readonly session: Pick<Session, "transact">;
  readonly northbound: Replica<Selected<NorthboundTables, { NB_Global: { columns: ["nb_cfg", "sb_cfg"] } }>>;
  readonly southbound: Replica<
    Selected<SouthboundTables, { Chassis_Private: { columns: ["name", "nb_cfg"] } }>
  >;
  readonly fence: Fence | undefined;
}

/** A state of the northbound database. */
export interface Mark {
  /** The names of the chassis on which that state is in force by now. */
  readonly reached: ReadonlySet<string>;
  /** How many chassis there are. */
  readonly chassis: number;
}

export class Generations {
  readonly #options: GenerationsOptions;
  /** The next request, not sent yet: everyone who asks until then shares it. */
  #next: Promise<number> | undefined;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /**
   * Resolves to true when the present contents of the northbound database are in force on each of these chassis; to
   * false when one of the chassis is not in the southbound database, or no longer.
   */
  async reached(chassis: readonly string[], signal?: AbortSignal): Promise<boolean> {
    const { southbound } = this.#options;
    signal?.throwIfAborted();
    const number = await until(this.#ask(), signal);
    await southbound.ready(signal);
    const progress = new Condition();
    using stack = new DisposableStack();
    stack.defer(southbound.subscribe(() => progress.notify()));
    let lost = false;
    await progress.until(() => {
      const at = this.#numbers();
      lost = chassis.some((name) => !at.has(name));
      return lost || chassis.every((name) => (at.get(name) ?? 0) >= number);
    }, signal);
    return !lost;
  }

  /** The present contents of the northbound database, to be looked at later. */
  async mark(signal?: AbortSignal): Promise<Mark> {
    signal?.throwIfAborted();
    const number = await until(this.#ask(), signal);
    const numbers = (): Iterable<readonly [string, number]> => this.#numbers();
    return {
      chassis: this.chassis,
      get reached() {
        return new Set([...numbers()].flatMap(([name, at]) => (at >= number ? [name] : [])));
      },
    };
  }

  /** Resolves when ovn-northd has translated the present contents of the northbound database. */
  async translated(signal?: AbortSignal): Promise<void> {
    const { northbound: replica } = this.#options;
    signal?.throwIfAborted();
    const number = await until(this.#ask(), signal);
    const progress = new Condition();
    using stack = new DisposableStack();
    stack.defer(replica.subscribe(() => progress.notify()));
    await progress.until(() => {
      const [global] = replica.table("NB_Global").values();
      return Number(global?.sb_cfg ?? 0) >= number;
    }, signal);
  }

  /** The number that was requested last; undefined before the database is known. */
  get last(): number | undefined {
    const [global] = this.#options.northbound.table("NB_Global").values();
    return global && Number(global.nb_cfg);
  }

  /** How many chassis repeat each number. */
  get chassis(): number {
    return [...this.#options.southbound.table("Chassis_Private").values()].length;
  }

  /** chassis -> the number that it has reached */
  #numbers(): ReadonlyMap<string, number> {
    const rows = this.#options.southbound.table("Chassis_Private").values();
    return new Map([...rows].map(({ name, nb_cfg: nbCfg }) => [name, Number(nbCfg)]));
  }

  /** A number for the state of the database at some time after this call. */
  #ask(): Promise<number> {
    this.#next ??= this.#sending.then(
      () => this.#send(),
      () => this.#send(),
    );
    return this.#next;
  }

  async #send(): Promise<number> {
    this.#next = undefined;
    const sent = this.#increase();
    this.#sending = sent;
    return sent;
  }

  async #increase(): Promise<number> {
    const { northbound: replica } = this.#options;
    await replica.ready();
    for (;;) {
      const [global] = replica.table("NB_Global").values();
      if (!global) throw new Error("the northbound database has no NB_Global row; is ovn-northd running?");
      const { _uuid: uuid } = global;
      const before = Number(global.nb_cfg);
      if (await this.#count(uuid, before)) return before + 1;
      // Somebody else has requested a number: the replica is about to show it.
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (replica.table("NB_Global").get(uuid)?.nb_cfg === before) return;
          stop();
          resolve();
        };
        const stop = replica.subscribe(look);
        look();
      });
    }
  }

  /** Whether we got the number after `before`; false when somebody else did. */
  async #count(uuid: string, before: number): Promise<boolean> {
    const { session, fence } = this.#options;
    const empty = new Transaction(northbound);
    const transaction = (fence ? fence.guard(empty) : empty)
      .waitUntil("NB_Global", uuid, { nb_cfg: before })
      .update("NB_Global", uuid, { nb_cfg: before + 1 });
    try {
      await session.transact(transaction);
      return true;
    } catch (error) {
      const lost = fence?.lost(error);
      if (lost) throw lost;
      if (!isOvsdbError(error, "timed out")) throw error;
      return false;
    }
  }
}

/** Settles like `promise`, unless the signal aborts first: then it rejects with the signal's reason. */
async function until<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
