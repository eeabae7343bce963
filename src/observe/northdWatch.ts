// Whether ovn-northd follows the northbound database. It repeats each number of nb_cfg in sb_cfg once it has translated
// that state (ovn-nb(5)); when a number stays unrepeated for long, northd is dead, paused, or far behind.

import { northbound } from "../ovn/northbound.gen.ts";
import type { Session } from "../ovsdb/index.ts";

/** Follows the numbers for the life of the session. */
export const followNumbers = (session: Session) =>
  session.replica(northbound, { NB_Global: { columns: ["nb_cfg", "sb_cfg"] } });

export type Numbers = ReturnType<typeof followNumbers>;

/** The number that northd has repeated last. */
export const repeatedNumber = (numbers: Numbers): number =>
  Number([...numbers.table("NB_Global").values()][0]?.sb_cfg ?? 0);

/** The first pass over a large database takes this long. */
const patienceMs = 10_000;

export class NorthdWatch {
  readonly #replica: Pick<Numbers, "synced">;
  readonly #now: () => number;
  /** The oldest number that northd has not repeated, and since when it is known. */
  #waiting: { readonly number: number; readonly since: number } | undefined;

  /** Follows the replica for as long as it lives. */
  constructor(replica: Pick<Numbers, "synced" | "subscribe" | "table">, now: () => number) {
    this.#replica = replica;
    this.#now = now;
    replica.subscribe(() => {
      const [global] = replica.table("NB_Global").values();
      if (global) this.take(Number(global.nb_cfg), Number(global.sb_cfg));
    });
  }

  /** The numbers in the database now. */
  take(asked: number, repeated: number): void {
    // A database that was restored begins with smaller numbers.
    if (this.#waiting && repeated < this.#waiting.number && asked >= this.#waiting.number) return;
    this.#waiting = asked > repeated ? { number: asked, since: this.#now() } : undefined;
  }

  /** Undefined when northd follows, or when the database is away and nobody can know. */
  get problem(): string | undefined {
    if (!this.#waiting || !this.#replica.synced) return undefined;
    const ms = this.#now() - this.#waiting.since;
    if (ms < patienceMs) return undefined;
    return "ovn-northd does not follow the northbound database: is it running, and not paused?";
  }
}
