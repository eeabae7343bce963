// Members of large sets: what adding or removing one address costs in a set of any size, compared with the same
// mutation by hand in the same session; and how long the event loop is held while all members of a set change.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Bench, type Figure, quantile } from "../figure.ts";
import { SetOfMembers } from "./setOfMembers.ts";

const sizes = [10, 1_000, 10_000, 50_000];
const samples = 300;
/** This many are changed by facts, then by hand, and so on in turn. */
const block = 30;
/** This many are changed in one go. */
const flood = 50_000;

export const membersBench: Bench = {
  name: "members",
  about: `one address changed, ${samples} times by facts and by hand in turn, in sets of ${sizes.join(", ")}; then all of ${flood}`,
  async run(progress) {
    const figures: Figure[] = [];
    for (const size of sizes) {
      await using set = await SetOfMembers.of(size);
      progress(`a set of ${size} is filled`);
      figures.push(...(await oneChange(set)));
      if (size === flood) figures.push(...(await floods(set)));
    }
    return figures;
  },
};

/** The cost of one change, in milliseconds: until it is done, and in processor time of this thread. */
interface Cost {
  readonly ms: readonly number[];
  readonly busyMs: readonly number[];
}

async function oneChange(set: SetOfMembers): Promise<readonly Figure[]> {
  const byFacts: Cost[] = [];
  const byHand: Cost[] = [];
  for (let life = 1; life <= samples; life += block) {
    byFacts.push(await costOf(life, (each) => set.changeOne((each * 7919) % set.size, each)));
    byHand.push(await costOf(life, (each) => set.changeOneByHand(0, each)));
  }
  const p50 = (costs: readonly Cost[], what: keyof Cost): number =>
    quantile(
      costs.flatMap((cost) => cost[what]),
      0.5,
    );
  return [
    {
      name: `one address in a set of ${set.size}, p50`,
      unit: "ms",
      value: p50(byFacts, "ms"),
      limit: { name: "by hand", value: p50(byHand, "ms") },
    },
    {
      name: `one address in a set of ${set.size}: processor time beyond by hand`,
      unit: "ms",
      value: p50(byFacts, "busyMs") - p50(byHand, "busyMs"),
      aim: 0.2,
    },
  ];
}

/** Makes `block` changes one after another. Work after the last answer counts too. */
async function costOf(first: number, change: (life: number) => Promise<void>): Promise<Cost> {
  const ms: number[] = [];
  const before = process.threadCpuUsage();
  for (let life = first; life < first + block; life++) {
    const start = performance.now();
    await change(life);
    ms.push(performance.now() - start);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  const { user, system } = process.threadCpuUsage(before);
  return { ms, busyMs: [(user + system) / 1000 / block] };
}

async function floods(set: SetOfMembers): Promise<readonly Figure[]> {
  const changes = await held(() => set.changeAll(samples + 1));
  const drift = await held(() => set.emptyByHand());
  return [
    { name: `${flood} changes in a set of ${flood}: longest stall`, unit: "ms", value: changes, aim: 50 },
    {
      name: `a set of ${flood} emptied by others and filled again: longest stall`,
      unit: "ms",
      value: drift,
      aim: 50,
    },
  ];
}

/** The longest time during which nothing else could run. */
async function held(work: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}
