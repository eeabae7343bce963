// CNI ADD in overlay with addresses from a pool, with few switches on the cluster's router and with a thousand more; and
// how fast a pool fills.

import { namesOf } from "../../src/model/names.ts";
import type { Bench } from "../figure.ts";
import { addSides } from "../wiring/addSides.ts";
import { settled } from "../wiring/databases.ts";
import { fewAndMany } from "./fewAndMany.ts";
import { fillFigures } from "./fill.ts";
import { addManySwitches, many } from "./manySwitches.ts";
import { PoolBed } from "./poolBed.ts";

const ofBlock = { few: 4, many: 2 } as const;
const turns = { fewest: 5, most: 8 } as const;

export const poolsBench: Bench = {
  name: "pools",
  about: `CNI ADD in overlay with pools, Weft and bare, beside few and ${many.switches} other switches, all in turn; and pools filled`,
  async run(progress) {
    const bedOf = (name: string, byHand: number): Promise<PoolBed> =>
      PoolBed.up({ name, addresses: "pooled" }, byHand, progress);
    await using few = await bedOf("benchpooled", turns.most * ofBlock.few);
    const fill = await fillFigures(few, progress);
    await using more = await bedOf("benchpooled2", turns.most * ofBlock.many);
    await addManySwitches(more.sandbox, namesOf("weft").clusterRouter);
    progress(`${many.switches} switches are there`);
    const adds = await fewAndMany(
      "pooled",
      addSides(few.runtime, { node: few.node, ofBlock: ofBlock.few, name: "few", known: true }),
      addSides(more.runtime, {
        node: more.node,
        ofBlock: ofBlock.many,
        name: "many",
        known: true,
        idle: () => settled(more.sandbox),
      }),
      turns,
      { few: 1.1, many: 2.5 },
    );
    return [...adds, ...fill.map((figure) => ({ ...figure, name: `pooled: ${figure.name}` }))];
  },
};
