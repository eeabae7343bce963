// What happens in a campaign, and when: a pure function of its seed. So a seed repeats a campaign, as far as clocks and
// schedulers let it.

import { type SeededRandom, seededRandom } from "../real/random.ts";
import { durationsMs, type Fault, victimsOf } from "./fault.ts";

export interface CampaignOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: readonly string[];
  readonly faults: readonly Fault[];
}

export type Deed =
  | { readonly type: "pod is born"; readonly name: string; readonly node: string; readonly app: string }
  | { readonly type: "pod dies"; readonly name: string; readonly graceSeconds: 0 | 1 }
  | {
      readonly type: "service is born";
      readonly name: string;
      readonly app: string;
      /** The externalTrafficPolicy of its node ports, if it has some. */
      readonly outside: "Cluster" | "Local" | "none";
    }
  | { readonly type: "service dies"; readonly name: string }
  /** Of the pods of `app`. Without `from` nobody reaches them; otherwise everybody does, and that app by port. */
  | {
      readonly type: "policy is born";
      readonly name: string;
      readonly app: string;
      readonly from: string | undefined;
    }
  | { readonly type: "policy dies"; readonly name: string }
  | { readonly type: "fault"; readonly fault: Fault; readonly lastsMs: number };

/** `atMs` counts from the start of the campaign. */
export interface Step {
  readonly atMs: number;
  readonly deed: Deed;
}

/** 500 pods, 100 Services and 160 policies in 20 minutes. */
export const podsPerMinute = 25;
export const servicesPerMinute = 5;
export const policiesPerMinute = 8;

/** From the beginning of one fault to that of the next, in ms; and how many there are at once. */
const betweenFaultsMs = [1_000, 5_500] as const;
const mostFaults = 3;

/** Each app has a pod that lives throughout, so that its Services always have somebody to answer. */
export const appsOf = (nodes: readonly string[]): readonly string[] => nodes.map((node) => `on-${node}`);

interface Campaign extends CampaignOptions {
  readonly random: SeededRandom;
  readonly endMs: number;
}

/** The steps in the order of time. No fault lasts beyond the end. */
export function scheduleOf(options: CampaignOptions): readonly Step[] {
  const campaign = { ...options, random: seededRandom(options.seed), endMs: options.minutes * 60_000 };
  return [
    ...podSteps(campaign),
    ...serviceSteps(campaign),
    ...policySteps(campaign),
    ...faultSteps(campaign),
  ].toSorted((a, b) => a.atMs - b.atMs);
}

const between = (random: SeededRandom, [least, most]: readonly [number, number]): number =>
  least + random.below(most - least + 1);

interface Life {
  readonly slot: number;
  readonly bornMs: number;
  readonly diesMs: number;
}

/**
 * `count` lives at random moments. A slot is taken again as soon as its last life is over, so a name comes back under
 * which another has just died.
 */
function lives({ random, endMs }: Campaign, count: number, lengthMs: () => number): readonly Life[] {
  const births = Array.from({ length: count }, () => random.below(endMs)).toSorted((a, b) => a - b);
  const freeAt: number[] = [];
  return births.map((bornMs) => {
    const free = freeAt.findIndex((at) => at <= bornMs);
    const slot = free < 0 ? freeAt.length : free;
    const diesMs = bornMs + lengthMs();
    freeAt[slot] = diesMs;
    return { slot, bornMs, diesMs };
  });
}

interface Ends {
  readonly born: Deed;
  readonly dies: Deed;
  /** Dies then at the latest. */
  readonly latestMs?: number;
}

/** So many lives a minute, each with two deeds. Who outlives the campaign does not die. */
function lifeSteps(
  campaign: Campaign,
  perMinute: number,
  lengthMs: () => number,
  ends: (slot: number) => Ends,
): readonly Step[] {
  const { minutes, endMs } = campaign;
  return lives(campaign, Math.round(perMinute * minutes), lengthMs).flatMap(({ slot, bornMs, diesMs }) => {
    const { born, dies, latestMs = diesMs } = ends(slot);
    const lastMs = Math.min(diesMs, latestMs);
    return [{ atMs: bornMs, deed: born }, ...(lastMs < endMs ? [{ atMs: lastMs, deed: dies }] : [])];
  });
}

/** One in ten dies while it starts. */
function podSteps(campaign: Campaign): readonly Step[] {
  const { random, nodes } = campaign;
  const lengthMs = (): number => between(random, random.below(10) === 0 ? [0, 400] : [1_500, 40_000]);
  return lifeSteps(campaign, podsPerMinute, lengthMs, (slot) => {
    const name = `pod-${slot}`;
    const [node, app] = [random.pick(nodes), random.pick(appsOf(nodes))];
    const graceSeconds = random.below(3) === 0 ? 0 : 1;
    return { born: { type: "pod is born", name, node, app }, dies: { type: "pod dies", name, graceSeconds } };
  });
}

function serviceSteps(campaign: Campaign): readonly Step[] {
  const { random, nodes } = campaign;
  return lifeSteps(
    campaign,
    servicesPerMinute,
    () => between(random, [500, 50_000]),
    (slot) => {
      const name = `service-${slot}`;
      const outside = random.pick(["none", "Cluster", "Local"] as const);
      const app = random.pick(appsOf(nodes));
      return { born: { type: "service is born", name, app, outside }, dies: { type: "service dies", name } };
    },
  );
}

/** One in three closes its pods, and ends with the campaign at the latest, since then every packet must arrive. */
function policySteps(campaign: Campaign): readonly Step[] {
  const { random, nodes, endMs } = campaign;
  return lifeSteps(
    campaign,
    policiesPerMinute,
    () => between(random, [500, 50_000]),
    (slot) => {
      const name = `policy-${slot}`;
      const [app, peer] = [random.pick(appsOf(nodes)), random.pick(appsOf(nodes))];
      const from = random.below(3) === 0 ? undefined : peer;
      return {
        born: { type: "policy is born", name, app, from },
        dies: { type: "policy dies", name },
        ...(from === undefined && { latestMs: endMs - 1 }),
      };
    },
  );
}

/** Every fault comes once before any comes again, unless its turn is while something else is done to its victim. */
function faultSteps({ faults, random, endMs }: Campaign): readonly Step[] {
  const steps: Step[] = [];
  let running: { readonly until: number; readonly victims: readonly string[] }[] = [];
  let bag: Fault[] = [];
  for (let atMs = 0; faults.length > 0; ) {
    atMs += between(random, betweenFaultsMs);
    if (atMs >= endMs) break;
    running = running.filter(({ until }) => until >= atMs);
    if (running.length >= mostFaults) continue;
    if (bag.length === 0) bag = random.shuffled(faults);
    const busy = new Set(running.flatMap(({ victims }) => victims));
    const place = bag.findIndex((fault) => victimsOf(fault).every((victim) => !busy.has(victim)));
    const [fault] = place < 0 ? [] : bag.splice(place, 1);
    if (!fault) continue;
    const lastsMs = Math.min(between(random, durationsMs[fault.sort]), endMs - atMs);
    running.push({ until: atMs + lastsMs, victims: victimsOf(fault) });
    steps.push({ atMs, deed: { type: "fault", fault, lastsMs } });
  }
  return steps;
}
