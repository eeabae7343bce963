// Ports that an ADD of this process is working on. Other ADDs do not take them, and the keeper leaves them alone.

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

  /** Calls `listener` for each port that is released. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
