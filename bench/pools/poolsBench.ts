// CNI ADD in overlay, with addresses from a pool and with addresses that the controller assigns, each with few switches on
// the cluster's router and with a thousand more; and how fast a pool fills.

import type { Sandbox } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { namesOf } from "../../src/model/names.ts";
import type { Bench, Figure } from "../figure.ts";
import { addSides } from "../wiring/addSides.ts";
import { settled } from "../wiring/databases.ts";
import { BenchRuntime } from "../wiring/runtime.ts";
import { fewAndMany } from "./fewAndMany.ts";
import { fillFigures } from "./fill.ts";
import { addManySwitches, many } from "./manySwitches.ts";
import { PoolBed } from "./poolBed.ts";

/** An assigned address takes seconds among many switches, and so does northd afterwards in both ways. */
const ofBlock = { few: 4, many: { pooled: 2, assigned: 1 } } as const;
const turns = { pooled: { fewest: 5, most: 8 }, assigned: { fewest: 4, most: 5 } } as const;
const router = namesOf("weft").clusterRouter;

type Progress = (line: string) => void;

export const poolsBench: Bench = {
  name: "pools",
  about: `CNI ADD in overlay with pools and with assigned addresses, Weft and bare, beside few and ${many.switches} other switches, all in turn; and pools filled`,
  async run(progress) {
    const pooled = await measurePooled(progress);
    const assigned = await measureAssigned(progress);
    return [...pooled, ...assigned];
  },
};

async function measurePooled(progress: Progress): Promise<readonly Figure[]> {
  const { fewest, most } = turns.pooled;
  const bedOf = (name: string, byHand: number): Promise<PoolBed> =>
    PoolBed.up({ name, addresses: "pooled" }, byHand, progress);
  await using few = await bedOf("benchpooled", most * ofBlock.few);
  const fill = await fillFigures(few, progress);
  await using more = await bedOf("benchpooled2", most * ofBlock.many.pooled);
  await addManySwitches(more.sandbox, router);
  progress(`${many.switches} switches are there`);
  const adds = await fewAndMany(
    "pooled",
    addSides(few.runtime, { node: few.node, ofBlock: ofBlock.few, name: "few", known: true }),
    addSides(more.runtime, {
      node: more.node,
      ofBlock: ofBlock.many.pooled,
      name: "many",
      known: true,
      idle: () => settled(more.sandbox),
    }),
    { fewest, most },
    { few: 1.1, many: 2.5 },
  );
  return [...adds, ...fill.map((figure) => ({ ...figure, name: `pooled: ${figure.name}` }))];
}

async function measureAssigned(progress: Progress): Promise<readonly Figure[]> {
  const up = (name: string): Promise<Sandbox> => upSandbox({ name, nodes: 1, progress });
  await using few = await up("benchassign");
  using runtimeOfFew = await BenchRuntime.on(few);
  await using more = await up("benchassign2");
  using runtimeOfMore = await BenchRuntime.on(more);
  await addManySwitches(more, router);
  progress(`${many.switches} switches are there`);
  return await fewAndMany(
    "assigned",
    addSides(runtimeOfFew, { node: runtimeOfFew.firstNode, ofBlock: ofBlock.few, name: "few" }),
    addSides(runtimeOfMore, {
      node: runtimeOfMore.firstNode,
      ofBlock: ofBlock.many.assigned,
      name: "many",
      idle: () => settled(more),
    }),
    turns.assigned,
    {},
  );
}
