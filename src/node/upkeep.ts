// Keeps the node on the network: carries out its plan again whenever something it depends on has changed, tries again
// what failed, and knows at any moment whether pods can be attached, or why not.

import type { Log } from "../kube/clock.ts";
import type { Node } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import { onNode } from "../model/names.ts";
import { Bell } from "./bell.ts";
import { followAddresses } from "./host/followAddresses.ts";
import type { NodePlan, Progress } from "./nodePlan.ts";
import { followVswitchd } from "./ovs/follow.ts";
import type { Vswitch } from "./ovs/vswitch.ts";
import type { LinkSettings } from "./runtime/attachments.ts";

const retryMs = { first: 200, longest: 5000 };

export interface UpkeepOptions {
  readonly nodeName: string;
  readonly plan: NodePlan;
  readonly db: Vswitch;
  readonly ovsRunDirectory: string;
  readonly nodes: Store<Node>;
  /** Called when the node can serve, the first time before pods are let in. What it rejects with is tried again. */
  readonly serve: (node: Node, firstTime: boolean) => Promise<void>;
  readonly log: Log;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #progress: Progress = { ready: false, reason: "the agent has just started" };
  #served = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Why pods cannot be attached now; undefined when they can. */
  readonly notReady = (): string | undefined => (this.#progress.ready ? undefined : this.#progress.reason);

  /** What pods' links must be like. Throws while the node is not ready. */
  readonly links = (): LinkSettings => {
    if (!this.#progress.ready) throw new Error(`this node is not ready: ${this.#progress.reason}`);
    return this.#progress.links;
  };

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { db, nodes, ovsRunDirectory, plan } = this.#options;
    const bell = new Bell();
    let seen = "";
    const unsubscribe = [
      nodes.subscribe(bell.ring),
      db.subscribe(() => {
        const now = plan.dependencies();
        if (now !== seen) bell.ring();
        seen = now;
      }),
    ];
    signal.addEventListener("abort", bell.ring);
    const following = [
      followVswitchd(ovsRunDirectory, bell.ring, signal),
      followAddresses(onNode.externalBridge, bell.ring, signal),
    ];
    let delayMs: number | undefined;
    while (!signal.aborted) {
      delayMs = (await this.#once(signal))
        ? undefined
        : Math.min((delayMs ?? retryMs.first / 2) * 2, retryMs.longest);
      await bell.heard(delayMs);
    }
    for (const end of unsubscribe) end();
    await Promise.all(following);
  }

  /** Whether nothing failed. */
  async #once(signal: AbortSignal): Promise<boolean> {
    const { db, nodeName, nodes, plan, serve } = this.#options;
    try {
      await db.ready(signal);
      const node = nodes.get("", nodeName);
      const progress = await plan.bringUp(node);
      if (progress.ready && node) {
        await serve(node, !this.#served);
        this.#served = true;
      }
      this.#now(progress);
      return true;
    } catch (error) {
      if (!signal.aborted) {
        this.#now({ ready: false, reason: error instanceof Error ? error.message : String(error) });
      }
      return false;
    }
  }

  #now(progress: Progress): void {
    const before = this.notReady();
    this.#progress = progress;
    const reason = this.notReady();
    if (reason === before) return;
    this.#options.log("info", reason === undefined ? "ready" : `not ready: ${reason}`, {});
  }
}
