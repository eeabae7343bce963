// CNI ADD in overlay with addresses that the controller assigns, with few switches on the cluster's router and with a
// thousand more.

import type { Sandbox } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { namesOf } from "../../src/model/names.ts";
import type { Bench } from "../figure.ts";
import { addSides } from "../wiring/addSides.ts";
import { settled } from "../wiring/databases.ts";
import { BenchRuntime } from "../wiring/runtime.ts";
import { fewAndMany } from "./fewAndMany.ts";
import { addManySwitches, many } from "./manySwitches.ts";

/** Among many switches an address takes seconds, and so does northd afterwards in both ways. */
const ofBlock = { few: 4, many: 1 } as const;
const turns = { fewest: 4, most: 5 } as const;

export const assignedBench: Bench = {
  name: "assigned",
  about: `CNI ADD in overlay with assigned addresses, Weft and bare, beside few and ${many.switches} other switches, all in turn`,
  async run(progress) {
    const up = (name: string): Promise<Sandbox> => upSandbox({ name, nodes: 1, progress });
    await using few = await up("benchassign");
    await using runtimeOfFew = await BenchRuntime.on(few);
    await using more = await up("benchassign2");
    await using runtimeOfMore = await BenchRuntime.on(more);
    await addManySwitches(more, namesOf("weft").clusterRouter);
    progress(`${many.switches} switches are there`);
    return await fewAndMany(
      "assigned",
      addSides(runtimeOfFew, { node: runtimeOfFew.firstNode, ofBlock: ofBlock.few, name: "few" }),
      addSides(runtimeOfMore, {
        node: runtimeOfMore.firstNode,
        ofBlock: ofBlock.many,
        name: "many",
        idle: () => settled(more),
      }),
      turns,
      {},
    );
  },
};
