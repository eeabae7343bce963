// Names a pool's offers, so that an agent never mistakes an older offer for a newer one and its answers can be matched
// with what they answer. Whatever line and generations the agent has seen, the next name is later.

import { isAsLate, type OfferName, type PoolOffer, type PoolSeen } from "../model/pool.ts";

/** The part of an offer that identifies it, and the generation in which something was last taken back. */
export type OfferHead = OfferName & Pick<PoolOffer, "asked">;

/**
 * No pool gets as far as the last generation, but an annotation may say that one has: then another line counts from 1
 * again.
 */
const after = (generation: number): number => (generation < Number.MAX_SAFE_INTEGER ? generation + 1 : 1);

const afterLine = (line: string): string => BigInt.asUintN(64, BigInt(`0x${line}`) + 1n).toString(16);

export class OfferNames {
  /** Names the offers that this process makes. */
  #line: string;
  /** The last offer. It is another process's until something changes. */
  #head: OfferHead;
  /** How the offer has changed since the last one. */
  #changed: "no" | "more" | "less" = "no";

  /** Continues from the offer `last`, if there is one. Otherwise `from` is the last known generation. */
  constructor(line: string, last: OfferHead | undefined, from: number) {
    this.#line = line;
    const head = last ?? { line, from, generation: after(from), asked: after(from) };
    this.#head = { line: head.line, from: head.from, generation: head.generation, asked: head.asked };
  }

  get head(): OfferHead {
    return this.#head;
  }

  /** Records a change that takes nothing away that the agent could claim. */
  grew(): void {
    if (this.#changed === "no") this.#changed = "more";
  }

  /** Records that something is taken back, or asked about again, so that the agent must acknowledge the next offer. */
  shrank(): void {
    this.#changed = "less";
  }

  /** The agent has already seen a later offer: the API server was restored from an older state, or the Node is new. */
  isOutdone(seen: PoolSeen | undefined): boolean {
    return seen !== undefined && !isAsLate(this.#head, seen);
  }

  /** Whether the agent has answered everything that was taken back. */
  isAcknowledged(seen: PoolSeen | undefined): seen is PoolSeen {
    return seen !== undefined && seen.line === this.#head.line && seen.generation >= this.#head.asked;
  }

  /** Gives a changed offer a new name. */
  rename(seen: PoolSeen | undefined): void {
    if (this.#changed === "no") return;
    const last = Math.max(this.#head.generation, seen?.generation ?? 0);
    const generation = after(last);
    const isLast = generation < last;
    if (isLast) this.#line = afterLine(this.#line);
    const goesOn = this.#head.line === this.#line && !this.isOutdone(seen);
    this.#head = {
      line: this.#line,
      from: goesOn ? this.#head.from : last,
      generation,
      asked: isLast || this.#changed === "less" ? generation : this.#head.asked,
    };
    this.#changed = "no";
  }
}
