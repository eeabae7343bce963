// CNI ADD on a virtual machine of a cloud, with few switches on the tenant's router and with a thousand more; and how
// fast its pool's ports come up.

import type { Bench } from "../figure.ts";
import { addSides } from "../wiring/addSides.ts";
import { fewAndMany } from "./fewAndMany.ts";
import { fillFigures } from "./fill.ts";
import { addManySwitches, many } from "./manySwitches.ts";
import { PoolBed } from "./poolBed.ts";

const ofBlock = 5;
const turns = { fewest: 6, most: 12 };

export const underlayBench: Bench = {
  name: "underlay",
  about: `CNI ADD in underlay mode, Weft and a claim by hand, beside few and ${many.switches} other switches, all in turn, ${turns.fewest} to ${turns.most} blocks of ${ofBlock}; and pools filled`,
  async run(progress) {
    const bedOf = (name: string): Promise<PoolBed> =>
      PoolBed.up({ name, mode: "underlay" }, turns.most * ofBlock, progress);
    await using few = await bedOf("benchunder");
    const fill = await fillFigures(few, progress);
    await using more = await bedOf("benchunder2");
    await addManySwitches(more.sandbox, more.sandbox.layout.tenant?.router ?? "");
    progress(`${many.switches} switches are there`);
    const sidesOf = ({ runtime, node }: PoolBed, name: string) =>
      addSides(runtime, { node, ofBlock, name, known: true });
    const adds = await fewAndMany("underlay", sidesOf(few, "few"), sidesOf(more, "many"), turns, {
      few: 1.25,
      many: 1.2,
    });
    return [...adds, ...fill.map((figure) => ({ ...figure, name: `underlay: ${figure.name}` }))];
  },
};
