// Everything that resolvers know, in the API: one object for each pattern that a policy names, made when the policy comes
// and removed when no policy names it any more. Several resolvers write the same objects: each writes single addresses, and
// writes again what another one has shortened or removed while it still counts.

import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import { type ClusterPolicy, patternsIn } from "../kube/clusterPolicy.ts";
import { isNotFound } from "../kube/error.ts";
import { type LearnedName, learnedObjectName } from "../kube/learnedName.ts";
import type { Store } from "../kube/store.ts";
import { makeLearnedName, removeLearnedName, setLearned } from "../kube/writeLearnedName.ts";
import { type Heard, wantedFor } from "./hearing.ts";
import { Ledger } from "./ledger.ts";

export interface BookOptions {
  readonly client: Pick<KubeClient, "create" | "patch" | "delete">;
  readonly policies: Pick<Store<ClusterPolicy<"ClusterNetworkPolicy">>, "values" | "subscribe" | "lagging">;
  readonly names: Pick<Store<LearnedName>, "get" | "values" | "subscribe">;
  /** A pattern has more addresses than it may have. */
  readonly onBeyond: (object: LearnedName, count: number) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface Page {
  readonly pattern: string;
  readonly ledger: Ledger;
  /** When it is to be written next, by the clock; undefined when there is nothing to write. */
  dueMs: number | undefined;
  callOff: () => void;
  isWriting: boolean;
}

interface Waiting {
  readonly pages: readonly Page[];
  readonly heard: Heard;
  readonly done: (isInForce: boolean) => void;
}

const laterMs = 10_000;
const againMs = 1_000;
const sweepMs = 60_000;
const timeoutMs = 5_000;

export class Book {
  readonly #options: BookOptions;
  readonly #pages = new Map<string, Page>();
  readonly #waiting = new Set<Waiting>();
  #wanted: ReadonlySet<string> = new Set();
  #trouble: string | undefined;

  constructor(options: BookOptions) {
    this.#options = options;
  }

  /** Why nothing can be written, in one sentence; undefined when all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The patterns that policies name. */
  get wanted(): ReadonlySet<string> {
    return this.#wanted;
  }

  /** Follows the stores, which must be complete, until the signal aborts. */
  begin(): void {
    const { policies, names, clock, signal } = this.#options;
    const stops = [
      policies.subscribe(() => this.#wantAnew()),
      names.subscribe((changes) => {
        for (const { old, new: object } of changes) this.#changed((object ?? old)?.pattern ?? "");
        this.#look();
      }),
    ];
    this.#wantAnew();
    const sweep = (): void => {
      if (signal.aborted) return;
      this.#sweep();
      stops[2] = clock.after(sweepMs, sweep);
    };
    stops[2] = clock.after(sweepMs, sweep);
    signal.addEventListener("abort", () => {
      for (const stop of stops) stop();
      for (const { callOff } of this.#pages.values()) callOff();
    });
  }

  /**
   * Takes in what an answer said. Resolves with true when OVN lets pods through to all of it, at once if it did before, and
   * with false when that takes longer than `limitMs`.
   */
  async learn(heard: Heard, limitMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const pages = wantedFor(heard.name, this.#wanted).flatMap((pattern) => this.#pages.get(pattern) ?? []);
    for (const page of pages) {
      const due = page.ledger.hear(heard.addresses, clock.wall());
      if (due !== "nothing") this.#writeIn(page, due === "now" ? 0 : laterMs);
    }
    if (this.#isInForce(pages, heard)) return true;
    return new Promise((resolve) => {
      const done = (isInForce: boolean): void => {
        callOff();
        this.#waiting.delete(waiting);
        resolve(isInForce);
      };
      const callOff = clock.after(limitMs, () => done(false));
      const waiting: Waiting = { pages, heard, done };
      this.#waiting.add(waiting);
    });
  }

  #isInForce(pages: readonly Page[], { addresses }: Heard): boolean {
    const nowMs = this.#options.clock.wall();
    return pages.every(({ ledger }) => ledger.isInForce(addresses.keys(), nowMs));
  }

  #look(): void {
    for (const { pages, heard, done } of this.#waiting) if (this.#isInForce(pages, heard)) done(true);
  }

  #wantAnew(): void {
    const { policies } = this.#options;
    this.#wanted = new Set([...policies.values()].flatMap((policy) => [...patternsIn(policy)]));
    for (const pattern of this.#wanted) if (!this.#pages.has(pattern)) this.#open(pattern);
    for (const [pattern, page] of this.#pages)
      if (!this.#wanted.has(pattern)) {
        page.callOff();
        this.#pages.delete(pattern);
      }
  }

  #open(pattern: string): void {
    const page: Page = {
      ...{ pattern, ledger: new Ledger(), dueMs: undefined, isWriting: false },
      callOff: () => undefined,
    };
    this.#pages.set(pattern, page);
    this.#changed(pattern);
  }

  #changed(pattern: string): void {
    const page = this.#pages.get(pattern);
    if (!page) return;
    const object = this.#objectOf(pattern);
    page.ledger.take(object, this.#options.clock.wall());
    // Somebody has deleted it, or it is not made yet; or another resolver has written something else.
    if (!object || page.ledger.changes(this.#options.clock.wall()).addresses.size > 0)
      this.#writeIn(page, object ? laterMs : 0);
  }

  #objectOf(pattern: string): LearnedName | undefined {
    return this.#options.names.get("", learnedObjectName(pattern));
  }

  #writeIn(page: Page, delayMs: number): void {
    const { clock, signal } = this.#options;
    const dueMs = clock.now() + delayMs;
    if (signal.aborted || (page.dueMs !== undefined && page.dueMs <= dueMs)) return;
    page.dueMs = dueMs;
    page.callOff();
    page.callOff = page.isWriting ? () => undefined : clock.after(delayMs, () => void this.#write(page));
  }

  /** Never rejects. */
  async #write(page: Page): Promise<void> {
    const { clock, log, signal, onBeyond } = this.#options;
    page.isWriting = true;
    page.dueMs = undefined;
    try {
      await this.#writeOnce(page, (object, beyond) => onBeyond(object, beyond));
      this.#trouble = undefined;
    } catch (error) {
      if (!signal.aborted) {
        this.#trouble = `what names resolve to cannot be written: ${error instanceof Error ? error.message : String(error)}`;
        log("warn", "cannot write what a name resolves to, trying again", { pattern: page.pattern, error });
        page.dueMs ??= clock.now() + againMs;
      }
    }
    page.isWriting = false;
    const { dueMs } = page;
    page.dueMs = undefined;
    if (dueMs !== undefined && this.#pages.get(page.pattern) === page)
      this.#writeIn(page, Math.max(0, dueMs - clock.now()));
  }

  async #writeOnce(
    { pattern, ledger }: Page,
    tell: (object: LearnedName, beyond: number) => void,
  ): Promise<void> {
    const { client, clock, signal } = this.#options;
    const limits = { signal, timeoutMs };
    const object = this.#objectOf(pattern);
    if (!object) await makeLearnedName(client, pattern, limits);
    const { addresses, beyond } = ledger.changes(clock.wall());
    if (beyond > 0 && object) tell(object, beyond);
    if (addresses.size > 0) await setLearned(client, pattern, addresses, limits);
    // Those who wait for what a limit has left out wait no more.
    this.#look();
  }

  /** Removes what has expired, and the objects of patterns that no policy names any more. */
  #sweep(): void {
    const { client, names, policies, clock, log, signal } = this.#options;
    for (const page of this.#pages.values())
      if (page.ledger.changes(clock.wall()).addresses.size > 0) this.#writeIn(page, 0);
    if (policies.lagging) return;
    for (const object of names.values())
      if (!this.#wanted.has(object.pattern))
        removeLearnedName(client, object, { signal, timeoutMs }).catch((error: unknown) => {
          if (!signal.aborted && !isNotFound(error))
            log("warn", "cannot remove what a name resolved to", { pattern: object.pattern, error });
        });
  }
}
