// Looks for objects that a plan lacks although they must exist: Kubernetes keeps EndpointSlices for every Service with
// a selector. The first list may have left them out, and a watch that continues from that list is silent about them
// until they change. So they are asked for, one owner at a time, and the owner is planned again until it has them.

import type { Sought } from "../kinds/kind.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import { kinds } from "../kube/kinds.ts";
import { pathOf } from "../kube/resource.ts";
import { putUnlessThere, type Stores } from "../kube/stores.ts";
import type { Owner } from "../model/owner.ts";

export interface SeekingOptions {
  readonly client: Pick<KubeClient, "list">;
  readonly stores: Stores;
  readonly enqueue: (owner: Owner) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const untilAskedAgainMs = 30_000;
/** More than Weft looks at for one Service (model/limits.ts). */
const most = 500;

export class Seeking {
  readonly #options: SeekingOptions;
  readonly #waiting = new Map<Owner, Sought>();
  #isAsking = false;

  constructor(options: SeekingOptions) {
    this.#options = options;
  }

  /** The owner's plan lacks these objects. */
  seek(owner: Owner, sought: Sought): void {
    this.#waiting.set(owner, sought);
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { clock, enqueue, log, signal } = this.#options;
    this.#isAsking = true;
    for (const [owner, sought] of this.#waiting) {
      if (signal.aborted) break;
      this.#waiting.delete(owner);
      await this.#find(sought).catch((error: unknown) =>
        log("debug", "cannot ask for what a plan lacks", { owner, error: String(error) }),
      );
      // The plan says whether that was all.
      clock.after(untilAskedAgainMs, () => enqueue(owner));
    }
    this.#isAsking = false;
  }

  async #find({ kind, namespace, selector }: Sought): Promise<void> {
    const { client, stores, signal } = this.#options;
    const query = { labelSelector: selector, limit: most };
    const { items } = await client.list(pathOf(kinds[kind], namespace), { query, signal });
    for (const raw of items) putUnlessThere(stores, kind, raw);
  }
}
