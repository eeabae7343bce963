// The appliers of all served destinations, used as one. A destination that is away delays its own work and nothing
// else.

import { type Destination, destinationId } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import type { Applier, Installed } from "./applier.ts";
import type { EngineStatus } from "./engineEvents.ts";
import type { Mark } from "./generations.ts";

export class Appliers {
  /** destination id -> its applier */
  readonly #all: ReadonlyMap<string, Applier>;

  constructor(all: Iterable<readonly [Destination, Applier]>) {
    this.#all = new Map([...all].map(([destination, applier]) => [destinationId(destination), applier]));
  }

  /** The ids of the destinations. */
  get served(): ReadonlySet<string> {
    return new Set(this.#all.keys());
  }

  of(destination: Destination): Applier | undefined {
    return this.#all.get(destinationId(destination));
  }

  /**
   * Works until `signal` aborts. Rejects when this process may no longer write to one of them, because another
   * controller leads.
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#all.values()].map((applier) => applier.run(signal)));
  }

  allSynced(): void {
    for (const applier of this.#all.values()) applier.allSynced();
  }

  suspendPrune(reason: string | undefined): void {
    for (const applier of this.#all.values()) applier.suspendPrune(reason);
  }

  approvePrune(): void {
    for (const applier of this.#all.values()) applier.approvePrune();
  }

  /** Resolves when every destination holds everything that the owner states, and nothing that it no longer states. */
  async committed(owner: Owner, signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#all.values()].map((applier) => applier.committed(owner, signal)));
  }

  isCommitted(owner: Owner): boolean {
    return [...this.#all.values()].every((applier) => applier.isCommitted(owner));
  }

  /** In force is what is so everywhere; undefined when any destination cannot tell. */
  async mark(signal?: AbortSignal): Promise<Mark | undefined> {
    const all = await Promise.all([...this.#all.values()].map((applier) => applier.mark(signal)));
    const marks = all.filter((mark) => mark !== undefined);
    if (marks.length < all.length) return undefined;
    return {
      chassis: Math.max(0, ...marks.map(({ chassis }) => chassis)),
      get reached() {
        const [first = new Set<string>(), ...others] = marks.map(({ reached }) => reached);
        return others.reduce((both, other) => both.intersection(other), first);
      },
    };
  }

  /** "unknown" when any destination cannot tell. */
  async installed(owner: Owner, chassis: readonly string[], signal?: AbortSignal): Promise<Installed> {
    const all = [...this.#all.values()].map((applier) => applier.installed(owner, chassis, signal));
    return (await Promise.all(all)).includes("unknown") ? "unknown" : "installed";
  }

  /** Resolves when there is nothing left to do anywhere, except what waits. */
  async settled(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#all.values()].map((applier) => applier.settled(signal)));
  }

  /** The sum over all of them. */
  get status(): EngineStatus {
    const all = [...this.#all.values()].map(({ status }) => status);
    const sum = (of: (status: EngineStatus) => number): number => all.reduce((to, one) => to + of(one), 0);
    return {
      dirty: sum(({ dirty }) => dirty),
      pendingOwners: sum(({ pendingOwners }) => pendingOwners),
      refused: sum(({ refused }) => refused),
      heldRows: sum(({ heldRows }) => heldRows),
    };
  }
}
