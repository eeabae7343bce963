// Keeps the node on the network: carries out its plan again whenever something it depends on has changed, retries
// what failed, and knows at any moment whether pods can be attached, and if not, why.

import { nodeSubnetsOf } from "../kube/annotations.ts";
import type { Log } from "../kube/clock.ts";
import type { Node } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import type { Cidr } from "../model/ip.ts";
import { onNode } from "../model/names.ts";
import { followAddresses } from "./host/followAddresses.ts";
import type { NodePlan, Place, Progress } from "./nodePlan.ts";
import type { LinkSettings } from "./nouns/link.ts";
import { followVswitchd } from "./ovs/follow.ts";
import type { Vswitch } from "./ovs/vswitch.ts";
import { Bell } from "./wait/bell.ts";

const retryMs = { first: 200, longest: 5000 };

/** How long to wait for the API server before the node's former subnets count. */
const apiPatienceMs = 3000;

export interface UpkeepOptions {
  readonly nodeName: string;
  readonly plan: NodePlan;
  readonly db: Vswitch;
  readonly ovsRunDirectory: string;
  readonly nodes: Store<Node>;
  /** The node's subnets as the last run knew them, from the database; undefined when the database has no trace of them. */
  readonly formerSubnets: () => readonly Cidr[] | undefined;
  /**
   * Called when the node can serve, for the first time before pods are accepted. If it rejects, it is tried again.
   */
  readonly serve: (firstTime: boolean, links: LinkSettings) => Promise<void>;
  /** Called when `notReady` has another answer. */
  readonly changed: () => void;
  readonly log: Log;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #progress: Progress = { ready: false, reason: "the agent has just started" };
  #served = false;
  #isApiLate = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Why pods cannot be attached now; undefined when they can. */
  readonly notReady = (): string | undefined => (this.#progress.ready ? undefined : this.#progress.reason);

  /** The settings of pods' links. Throws while the node is not ready. */
  readonly links = (): LinkSettings => {
    if (!this.#progress.ready) throw new Error(`this node is not ready: ${this.#progress.reason}`);
    return this.#progress.links;
  };

  /** Runs until `signal` is aborted. */
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
      followAddresses({ device: onNode.externalBridge, own: onNode.managementInterface }, bell.ring, signal),
      ...(plan.follow ? [plan.follow(bell.ring, signal)] : []),
    ];
    const patience = setTimeout(() => {
      this.#isApiLate = true;
      bell.ring();
    }, apiPatienceMs);
    // A list without this Node is news too, but no change event comes with it.
    nodes.ready(signal).then(bell.ring, () => undefined);
    let delayMs: number | undefined;
    while (!signal.aborted) {
      delayMs = (await this.#once(signal))
        ? undefined
        : Math.min((delayMs ?? retryMs.first / 2) * 2, retryMs.longest);
      await bell.heard(delayMs);
    }
    clearTimeout(patience);
    for (const end of unsubscribe) end();
    await Promise.all(following);
  }

  /** Returns whether nothing failed. */
  async #once(signal: AbortSignal): Promise<boolean> {
    const { db, plan, serve } = this.#options;
    try {
      await db.ready(signal);
      const place = this.#place();
      const progress = await plan.bringUp(place);
      if (progress.ready) {
        // New pods get new settings before running ones do, so that none is left out.
        if (this.#progress.ready) this.#now(progress);
        await serve(!this.#served, progress.links);
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

  #place(): Place {
    const { nodeName, nodes, formerSubnets } = this.#options;
    const node = nodes.get("", nodeName);
    if (node) return { node, subnets: nodeSubnetsOf(node) };
    return { node, subnets: this.#isApiLate && !nodes.synced ? formerSubnets() : undefined };
  }

  #now(progress: Progress): void {
    const before = this.notReady();
    this.#progress = progress;
    const reason = this.notReady();
    if (reason === before) return;
    this.#options.changed();
    this.#options.log("info", reason === undefined ? "ready" : `not ready: ${reason}`, {});
  }
}
