// Members of large sets: what one address more or less costs in a set of any size, beside the same mutation by hand in
// the same session; and how long the event loop is held while all members of a set change.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Bench, compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { quantile } from "../quantile.ts";
import { SetOfMembers } from "./setOfMembers.ts";

const sizes = [10, 1_000, 10_000, 50_000];
/** Changes made by facts, then as many by hand, and so on in turn. */
const ofBlock = 30;
const turns = { fewest: 10, most: 20 };
/** Changed in one go. */
const flood = 50_000;

export const membersBench: Bench = {
  name: "members",
  about: `one address changed by facts and by hand in turn, ${turns.fewest} to ${turns.most} blocks of ${ofBlock}, in sets of ${sizes.join(", ")}; then all of ${flood}`,
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

/** What changes take, in milliseconds: each until it is done, and of the processor time of this thread. */
interface Cost {
  readonly ms: readonly number[];
  /** Of each change on average. */
  readonly busyMs: number;
}

async function oneChange(set: SetOfMembers): Promise<readonly Figure[]> {
  const side = (change: (life: number) => Promise<void>) => {
    const busyMs: number[] = [];
    const own = new Side(async (block) => {
      const cost = await costOf(1 + block * ofBlock, change);
      busyMs.push(cost.busyMs);
      return cost.ms;
    });
    return { own, busyMs };
  };
  const byFacts = side((life) => set.changeOne((life * 7919) % set.size, life));
  const byHand = side((life) => set.changeOneByHand(0, life));
  await inTurn([[byFacts.own, byHand.own]], turns);
  return [
    compared({
      name: `one address in a set of ${set.size}, p50`,
      unit: "ms",
      own: byFacts.own,
      limit: { name: "by hand", side: byHand.own },
    }),
    {
      name: `one address in a set of ${set.size}: processor time beyond by hand`,
      unit: "ms",
      value: quantile(byFacts.busyMs, 0.5) - quantile(byHand.busyMs, 0.5),
      aim: 0.2,
    },
  ];
}

/** Makes a block of changes one after another. What comes after the last answer counts too. */
async function costOf(first: number, change: (life: number) => Promise<void>): Promise<Cost> {
  const ms: number[] = [];
  const before = process.threadCpuUsage();
  for (let life = first; life < first + ofBlock; life++) {
    const start = performance.now();
    await change(life);
    ms.push(performance.now() - start);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  const { user, system } = process.threadCpuUsage(before);
  return { ms, busyMs: (user + system) / 1000 / ofBlock };
}

async function floods(set: SetOfMembers): Promise<readonly Figure[]> {
  const changes = await held(() => set.changeAll(turns.most * ofBlock + 1));
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

/** The longest time in which nothing else could run. */
async function held(work: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}
