// Ports that an ADD of this process is working on: nobody else here takes them, and the keeper lets them be.

import type { Source } from "../wait/whenever.ts";
import type { SoundRow } from "./cache.ts";

export class Reservations implements Source {
  /** port name -> its row as it was found */
  readonly #rows = new Map<string, SoundRow>();
  readonly #listeners = new Set<() => void>();

  readonly has = (portName: string): boolean => this.#rows.has(portName);

  get(portName: string): SoundRow | undefined {
    return this.#rows.get(portName);
  }

  add(row: SoundRow): void {
    this.#rows.set(row.port.name, row);
  }

  remove(portName: string): void {
    if (!this.#rows.delete(portName)) return;
    for (const listener of this.#listeners) listener();
  }

  /** Hears of each port that is let go. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
