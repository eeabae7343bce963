// What is known of one pattern: what its object says, and what has been heard since and is not written yet. New addresses are
// written at once. That a known one counts for longer is written when it matters, so that a name which everybody asks for
// costs a write every ten seconds and not one for each answer. Pure: it neither waits nor writes.

import type { LearnedAddress, LearnedName } from "../kube/learnedName.ts";
import { beyondLimits } from "./limits.ts";

/** An address that counts for less than this is written at once. It is less than the shortest time of any. */
const urgentMs = 30_000;
/** Expired addresses are removed so long after their time: other clocks may be behind. */
const removedAfterMs = 60_000;
/** What was about to expire may have been removed from OVN before the news came there. */
const closeMs = 1_000;

/** Whether something has to be written, and how soon. */
export type Due = "nothing" | "later" | "now";

export class Ledger {
  #object: LearnedName | undefined;
  /** Heard, and not in the object yet. */
  readonly #heard = new Map<string, LearnedAddress>();
  /** Address ▶ the generation in which it came into the object. */
  readonly #since = new Map<string, number>();

  /** What has been heard goes on to count until it is written. */
  take(object: LearnedName | undefined, nowMs: number): void {
    const old = object && this.#object?.uid === object.uid ? this.#object : undefined;
    this.#object = object;
    const before = old?.addresses ?? new Map<string, LearnedAddress>();
    for (const [ip] of object?.addresses ?? []) {
      const untilMs = before.get(ip)?.untilMs;
      if (untilMs === undefined || untilMs <= nowMs + closeMs) this.#since.set(ip, object?.generation ?? 0);
    }
    for (const ip of this.#since.keys()) if (!object?.addresses.has(ip)) this.#since.delete(ip);
    for (const [ip, { untilMs }] of this.#heard)
      if (untilMs <= nowMs || (object?.addresses.get(ip)?.untilMs ?? 0) >= untilMs) this.#heard.delete(ip);
  }

  /** Returns what has to be done about it. */
  hear(addresses: ReadonlyMap<string, LearnedAddress>, nowMs: number): Due {
    let due: Due = "nothing";
    for (const [ip, learned] of addresses) {
      const storedMs = this.#object?.addresses.get(ip)?.untilMs ?? 0;
      const heardMs = this.#heard.get(ip)?.untilMs ?? 0;
      if (learned.untilMs > Math.max(storedMs, heardMs)) this.#heard.set(ip, learned);
      if (!this.#heard.has(ip)) continue;
      if (storedMs < nowMs + urgentMs) due = "now";
      else if (due === "nothing") due = "later";
    }
    return due;
  }

  /** Whether OVN lets pods through to all of these, but for those that a limit leaves out. */
  isInForce(addresses: Iterable<string>, nowMs: number): boolean {
    return [...addresses].every((ip) => {
      const stored = this.#object?.addresses.get(ip);
      if (!stored || stored.untilMs <= nowMs) return !this.#heard.has(ip);
      return (this.#object?.inForce ?? 0) >= (this.#since.get(ip) ?? 0);
    });
  }

  /** What to write, with `undefined` for what to remove. */
  changes(nowMs: number): Changes {
    const stored = this.#object?.addresses ?? new Map<string, LearnedAddress>();
    const removed = [...stored].flatMap(([ip, { untilMs }]) =>
      untilMs + removedAfterMs <= nowMs && !this.#heard.has(ip) ? [ip] : [],
    );
    const kept = [...stored].filter(([ip, { untilMs }]) => untilMs > nowMs && !this.#heard.has(ip));
    const beyond = new Set(beyondLimits(new Map([...this.#heard, ...kept])));
    const addresses = new Map<string, LearnedAddress | undefined>();
    for (const [ip, learned] of this.#heard)
      if (!beyond.has(ip) && learned.untilMs > (stored.get(ip)?.untilMs ?? 0)) addresses.set(ip, learned);
    for (const ip of [...removed, ...[...beyond].filter((one) => stored.has(one))])
      addresses.set(ip, undefined);
    for (const ip of beyond) this.#heard.delete(ip);
    return { addresses, beyond: beyond.size };
  }
}

export interface Changes {
  readonly addresses: ReadonlyMap<string, LearnedAddress | undefined>;
  /** How many addresses are left out because of a limit. */
  readonly beyond: number;
}
