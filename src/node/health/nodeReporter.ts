// Says on the Node, in a condition, what is wrong with its network. With NetworkUnavailable set, no
// new pods are scheduled here; those that run are left alone. Only changes are written. A fault must last some seconds
// first, a different time on each node, so that a restart costs no write and thousands of nodes that lose the
// southbound database together do not write together.

import type { Log } from "../../kube/clock.ts";
import type { Node } from "../../kube/objects.ts";
import type { Bell } from "../wait/bell.ts";
import type { Problem } from "./dataPlane.ts";

export interface NodeCondition {
  readonly name: string;
  /** Whether the Node says something else. */
  readonly differs: (node: Node, problem: Problem | undefined) => boolean;
  /** Writes it. */
  readonly declare: (node: Node, problem: Problem | undefined) => Promise<void>;
}

export interface NodeReporterOptions {
  /** This node's object; undefined while there is none. */
  readonly node: () => Node | undefined;
  /** What is wrong with the node now. */
  readonly problem: () => Problem | undefined;
  /** Rings when the answer of `problem`, or the Node, may have changed. */
  readonly news: Bell;
  readonly condition: NodeCondition;
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** How long a fault lasts before it is written, at least and at most. */
const patienceMs = { least: 4_000, most: 12_000 };
const lookMs = 1_000;
const afterWriteMs = 5_000;

export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #patienceMs: number;
  /** Since when the node has had this fault. */
  #fault: { readonly reason: string; readonly since: number } | undefined;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    this.#patienceMs = patienceMs.least + options.random() * (patienceMs.most - patienceMs.least);
  }

  /** Writes until `signal` is aborted. A write that failed is repeated. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, condition, news } = this.#options;
    signal.addEventListener("abort", news.ring);
    while (!signal.aborted) {
      let hasWritten = true;
      try {
        hasWritten = await this.look();
      } catch (error) {
        if (!signal.aborted) log("warn", `cannot write the condition ${condition.name}`, { error });
      }
      // After a write, the watch has to show it first.
      await news.heard(hasWritten ? afterWriteMs : lookMs);
    }
  }

  /** Writes the condition if it is due. Resolves with whether it was. */
  async look(): Promise<boolean> {
    const { condition } = this.#options;
    const node = this.#options.node();
    const wanted = this.#due();
    if (!node || !wanted || !condition.differs(node, wanted.problem)) return false;
    await condition.declare(node, wanted.problem);
    return true;
  }

  /** What the condition should say; undefined while a fault is too young to tell. */
  #due(): { readonly problem: Problem | undefined } | undefined {
    const { problem, now } = this.#options;
    const found = problem();
    if (!found) {
      this.#fault = undefined;
      return { problem: undefined };
    }
    if (this.#fault?.reason !== found.reason) this.#fault = { reason: found.reason, since: now() };
    return now() - this.#fault.since >= this.#patienceMs ? { problem: found } : undefined;
  }
}
