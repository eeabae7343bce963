// Ten thousand pods under a thousand selections: the cost of building them, and the cost of one change, compared with
// the way without an index in the same run. A change is measured until the listeners have heard of it.

import { setImmediate } from "node:timers/promises";
import { Slicer } from "../../src/apply/slicer.ts";
import type { Pod } from "../../src/kube/objects.ts";
import { placesByStatus } from "../../src/select/selectFixture.ts";
import { allNamespaces, labelSelection } from "../../src/select/selection.ts";
import { Selections } from "../../src/select/selections.ts";
import { type Bench, compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { quantile } from "../quantile.ts";
import { StallMeter } from "../threadTime.ts";
import { NaiveSelections } from "./naive.ts";
import { large, namespace, namespaces, pod, pods, scale, selections } from "./objects.ts";

const turns = { fewest: 5, most: 10 };
/** In each round. */
const relabels = 200;
const about = `${scale.pods} pods, ${scale.selections} selections`;

export const selectBench: Bench = {
  name: "select",
  about: `members of selections, ${about}: with an index and without in turn, ${turns.fewest} to ${turns.most} times; each time built, ${relabels} pods relabelled one by one, and twice a namespace with ${scale.podsOfOne} pods`,
  async run(progress) {
    let stallMs = 0;
    let counted = 0;
    const index: Times[] = [];
    const naive: Times[] = [];
    const own = new Side(async () => {
      const times = noTimes();
      const { memberships, stall } = await indexed(times);
      counted = memberships;
      stallMs = Math.max(stallMs, stall);
      index.push(times);
      return times.build;
    });
    const noIndex = new Side(async (round) => {
      const times = noTimes();
      const expected = await byHand(times);
      if (counted !== expected) throw new Error(`${counted} memberships, but ${expected} without an index`);
      progress(`round ${round + 1}: ${counted} memberships, longest stall so far ${ms(stallMs)}`);
      naive.push(times);
      return times.build;
    });
    await inTurn([[own, noIndex]], turns);
    const figure = (step: Step, name: string, aim: number): Figure =>
      compared({
        name: `${name}, p50`,
        unit: "ms",
        own: { blocks: index.map((times) => times[step]) },
        limit: { name: "no index", side: { blocks: naive.map((times) => times[step]) } },
        aim,
      });
    const relabel = index.flatMap((times) => times.pod);
    return [
      figure("build", `select: ${about}, from nothing`, 1),
      figure("pod", "select: one pod relabelled", 0.5),
      { name: "select: one pod relabelled, p99", unit: "ms", value: quantile(relabel, 0.99), aim: 0.2 },
      figure("namespace", `select: a namespace with ${scale.podsOfOne} pods relabelled`, 0.5),
      figure("selection", "select: one selection more, of all namespaces", 2),
      { name: "select: longest stall of all this, processor time", unit: "ms", value: stallMs, aim: 50 },
    ];
  },
};

type Step = "build" | "pod" | "namespace" | "selection";
type Times = Readonly<Record<Step, number[]>>;

const noTimes = (): Times => ({ build: [], pod: [], namespace: [], selection: [] });

/** Adds the time of each step. Returns the number of memberships at the end and the longest stall, in ms. */
async function indexed(times: Times): Promise<{ readonly memberships: number; readonly stall: number }> {
  const source = new Selections({
    placesOf: placesByStatus,
    run: (job) => new Slicer(() => performance.now()).run(job),
    onError: (error) => {
      throw error;
    },
  });
  let told = 0;
  source.subscribe((changes) => {
    for (const { added, removed } of changes) told += added.length - removed.length;
  });
  const all = pods();
  const wanted = selections();
  using meter = new StallMeter();
  await timed(times.build, async () => {
    source.takeNamespaces(namespaces().map((each) => ({ old: undefined, new: each })));
    source.takePods(all.map((each) => ({ old: undefined, new: each })));
    for (const selection of wanted) source.use(selection.key, [selection]);
    await source.settled();
  });
  for (const { old, now } of relabelled(all))
    await timed(times.pod, async () => {
      source.takePods([{ old, new: now }]);
      await source.settled();
    });
  for (const { old, now } of movedNamespace())
    await timed(times.namespace, async () => {
      source.takeNamespaces([{ old, new: now }]);
      await source.settled();
    });
  const memberships = told;
  await timed(times.selection, async () => {
    source.use("one more", [oneMore]);
    await source.settled();
  });
  if (told - memberships !== source.members(oneMore).size) throw new Error("not all was told");
  return { memberships: told, stall: meter.longestMs };
}

async function byHand(times: Times): Promise<number> {
  const wanted = selections();
  const source = new NaiveSelections(wanted, placesByStatus);
  const all = pods();
  await timed(times.build, async () => {
    source.takeNamespaces(namespaces());
    source.takePods(all);
  });
  const current = new Map(all.map((each) => [each.name, each]));
  for (const { now } of relabelled(all)) {
    await timed(times.pod, async () => source.takePods([now]));
    current.set(now.name, now);
  }
  const inLarge = [...current.values()].filter((each) => each.namespace === large);
  for (const { now } of movedNamespace())
    await timed(times.namespace, async () => {
      source.takeNamespaces([now]);
      source.takePods(inLarge);
    });
  const more = new NaiveSelections([oneMore], placesByStatus);
  await timed(times.selection, async () => more.takePods([...current.values()]));
  return source.memberships + more.memberships;
}

const oneMore = labelSelection(allNamespaces, [{ key: "app", operator: "In", values: ["app-1", "app-2"] }]);

/** Another version of some pods, spread over all, each once. */
const relabelled = (all: readonly Pod[]): readonly { readonly old: Pod; readonly now: Pod }[] =>
  all.flatMap((old, i) => (i % (scale.pods / relabels) === 7 ? [{ old, now: pod(i, 2) }] : []));

/** Moves the large namespace to another stage and back. */
const movedNamespace = () => {
  const [production, staging] = [namespace(0, "production"), namespace(0, "staging")];
  return [
    { old: production, now: staging },
    { old: staging, now: production },
  ];
};

async function timed(times: number[], work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  await work();
  times.push(performance.now() - start);
  // The meter only sees a stall when the event loop turns.
  await setImmediate();
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
