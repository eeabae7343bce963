// CNI ADD on a virtual machine of a cloud, with few switches on the tenant's router and with a thousand more; and how
// fast its pool's ports come up.

import { type Bench, quantile } from "../figure.ts";
import { addFigures, addTimes } from "../wiring/addTimes.ts";
import { besideFew } from "./besideFew.ts";
import { fillFigures } from "./fill.ts";
import { addManySwitches, many } from "./manySwitches.ts";
import { PoolBed } from "./poolBed.ts";

const samples = 30;

export const underlayBench: Bench = {
  name: "underlay",
  about: `CNI ADD in underlay mode, ${samples} times Weft and a claim by hand in turn; again beside ${many.switches} other switches; and pools filled`,
  async run(progress) {
    await using bed = await PoolBed.up({ name: "benchunder", mode: "underlay" }, 2 * samples, progress);
    const { runtime, node, sandbox } = bed;
    const few = await addTimes(runtime, { node, samples, name: "few", known: true });
    progress(`few switches: Weft ${quantile(few.weft, 0.5).toFixed(1)} ms`);
    const fill = await fillFigures(bed, progress);
    await addManySwitches(sandbox, sandbox.layout.tenant?.router ?? "");
    progress(`${many.switches} switches are there`);
    const more = await addTimes(runtime, { node, samples, name: "many", from: samples, known: true });
    return [
      ...addFigures("underlay: CNI ADD", few, 1.25),
      ...addFigures(`underlay: CNI ADD beside ${many.switches} switches`, more),
      besideFew("underlay", more.weft, few.weft, 1.2),
      ...fill.map((figure) => ({ ...figure, name: `underlay: ${figure.name}` })),
    ];
  },
};
