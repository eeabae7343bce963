// Keeps the node on the network: carries out its plan again whenever something it depends on has changed, retries
// what failed, and says how far the node has come. What the plan has set on the node is checked when something reports a
// change of it, and now and then anyway; a difference is put back.

import { nodeSubnetsOf } from "../kube/annotations.ts";
import type { Log } from "../kube/clock.ts";
import type { Node } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import type { Cidr } from "../model/ip.ts";
import { onNode } from "../model/names.ts";
import type { Readiness } from "./health/readiness.ts";
import type { Repairs } from "./health/repairs.ts";
import { followAddresses } from "./host/followAddresses.ts";
import type { NodePlan, Place } from "./nodePlan.ts";
import { type Check, firstDifference, type Reporter } from "./nouns/check.ts";
import type { LinkSettings } from "./nouns/link.ts";
import { followVswitchd } from "./ovs/follow.ts";
import type { Vswitch } from "./ovs/vswitch.ts";
import { Bell } from "./wait/bell.ts";

const retryMs = { first: 200, longest: 5000 };

/** How long to wait for the API server before the node's former subnets count. */
const apiPatienceMs = 3000;

/** Every `everyMs` the agent checks what nobody reports changes of; every `allEvery`th time it checks everything. */
const look = { everyMs: 4_000, allEvery: 8 };
const everything: readonly Reporter[] = ["database", "kernel", "nobody"];

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
  /** Checks of what others in the agent have set on the node, which the plan puts back as well; undefined while they set it. */
  readonly checks: () => readonly Check[] | undefined;
  /** Where it is noted how far the node has come. */
  readonly readiness: Readiness;
  readonly repairs: Repairs;
  readonly now: () => number;
  readonly log: Log;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #served = false;
  #isApiLate = false;
  readonly #bell = new Bell();
  /** Whether the plan has to be carried out, whatever the checks find. */
  #isNews = true;
  /** Whose checks are due. */
  readonly #due = new Set<Reporter>();
  #checks: readonly Check[] = [];

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Runs until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = this.#follow(signal);
    const { now } = this.#options;
    const bell = this.#bell;
    let delayMs: number | undefined;
    for (let looks = 0, next = now() + look.everyMs; !signal.aborted; ) {
      if (this.#isNews || delayMs !== undefined || (await this.#isDifferent())) {
        delayMs = (await this.#once(signal))
          ? undefined
          : Math.min((delayMs ?? retryMs.first / 2) * 2, retryMs.longest);
      }
      await bell.heard(delayMs ?? Math.max(next - now(), 0));
      if (now() < next) continue;
      next = now() + look.everyMs;
      for (const each of ++looks % look.allEvery === 0 ? everything : ["nobody" as const])
        this.#due.add(each);
    }
    await stop();
  }

  /** Listens to everything that may change. The returned function ends that. */
  #follow(signal: AbortSignal): () => Promise<unknown> {
    const { db, nodes, ovsRunDirectory, plan } = this.#options;
    const changed = (): void => {
      this.#isNews = true;
      this.#bell.ring();
    };
    const touched = (reporter: Reporter): void => {
      this.#due.add(reporter);
      this.#bell.ring();
    };
    let seen = "";
    const unsubscribe = [
      nodes.subscribe(changed),
      db.subscribe(() => {
        const now = plan.dependencies();
        if (now === seen) return touched("database");
        seen = now;
        return changed();
      }),
    ];
    signal.addEventListener("abort", this.#bell.ring);
    const touchedInKernel = (): void => touched("kernel");
    const links = { device: onNode.externalBridge, own: onNode.managementInterface };
    const following = [
      followVswitchd(ovsRunDirectory, changed, signal),
      followAddresses({ ...links, changed, touched: touchedInKernel }, signal),
      ...(plan.follow ? [plan.follow(touchedInKernel, signal)] : []),
    ];
    const patience = setTimeout(() => {
      this.#isApiLate = true;
      changed();
    }, apiPatienceMs);
    // A list without this Node is news too, but no change event comes with it.
    nodes.ready(signal).then(changed, () => undefined);
    return () => {
      clearTimeout(patience);
      for (const end of unsubscribe) end();
      return Promise.all(following);
    };
  }

  /** Makes the checks that are due. Whether there is a difference that is to be put back now. */
  async #isDifferent(): Promise<boolean> {
    const { checks, repairs, now, log } = this.#options;
    const others = checks();
    // While others write, or a repair has to wait, what is due stays due.
    if (this.#due.size === 0 || !others || !repairs.isDue(now())) return false;
    const due = new Set(this.#due);
    this.#due.clear();
    const difference = await firstDifference(
      [...this.#checks, ...others].filter(({ reportedBy }) => due.has(reportedBy)),
    );
    if (difference === undefined) return false;
    repairs.done(difference, now());
    log("warn", `${difference}: put back`, {});
    return true;
  }

  /** Returns whether nothing failed. */
  async #once(signal: AbortSignal): Promise<boolean> {
    const { db, plan, readiness, serve } = this.#options;
    this.#isNews = false;
    try {
      await db.ready(signal);
      const place = this.#place();
      const kept: Check[] = [];
      this.#checks = kept;
      const progress = await plan.bringUp(place, (...checks) => void kept.push(...checks));
      if (progress.ready) {
        // New pods get new settings before running ones do, so that none is left out.
        if (readiness.notReady() === undefined) readiness.set(progress);
        await serve(!this.#served, progress.links);
        this.#served = true;
      }
      readiness.set(progress);
      return true;
    } catch (error) {
      if (!signal.aborted) {
        readiness.set({ ready: false, reason: error instanceof Error ? error.message : String(error) });
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
}
