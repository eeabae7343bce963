// CNI ADD in overlay mode, with addresses from a pool and with assigned addresses, each with few switches on the
// cluster's router and with a thousand more; and how fast a pool fills.

import { upSandbox } from "../../sandbox/up.ts";
import { namesOf } from "../../src/model/names.ts";
import { type Bench, type Figure, quantile } from "../figure.ts";
import { type AddTimes, addFigures, addTimes } from "../wiring/addTimes.ts";
import { settled } from "../wiring/databases.ts";
import { BenchRuntime } from "../wiring/runtime.ts";
import { besideFew } from "./besideFew.ts";
import { fillFigures } from "./fill.ts";
import { addManySwitches, many } from "./manySwitches.ts";
import { PoolBed } from "./poolBed.ts";

/** Among many switches an assigned address takes seconds, and northd needs seconds more afterwards in both ways. */
const samples = { few: 20, many: { pooled: 8, assigned: 4 } } as const;
const router = namesOf("weft").clusterRouter;

type Progress = (line: string) => void;

export const poolsBench: Bench = {
  name: "pools",
  about: `CNI ADD in overlay with pools and with assigned addresses, ${samples.few} times Weft and bare in turn; again beside ${many.switches} other switches; and pools filled`,
  async run(progress) {
    const pooled = await measurePooled(progress);
    const assigned = await measureAssigned(progress);
    return [...pooled, ...assigned];
  },
};

async function measurePooled(progress: Progress): Promise<readonly Figure[]> {
  const choices = { name: "benchpooled", addresses: "pooled" } as const;
  await using bed = await PoolBed.up(choices, samples.few + samples.many.pooled, progress);
  const { runtime, node, sandbox } = bed;
  const few = await addTimes(runtime, { node, samples: samples.few, name: "few", known: true });
  tell(progress, "pooled", "few", few);
  const fill = await fillFigures(bed, progress);
  await addManySwitches(sandbox, router);
  const more = await addTimes(runtime, {
    node,
    samples: samples.many.pooled,
    name: "many",
    from: samples.few,
    known: true,
    idle: () => settled(sandbox),
  });
  tell(progress, "pooled", `${many.switches} more`, more);
  return [
    ...addFigures("pooled: CNI ADD", few),
    ...addFigures(`pooled: CNI ADD beside ${many.switches} switches`, more),
    besideFew("pooled", more.weft, few.weft, 2.5),
    ...fill.map((figure) => ({ ...figure, name: `pooled: ${figure.name}` })),
  ];
}

async function measureAssigned(progress: Progress): Promise<readonly Figure[]> {
  await using sandbox = await upSandbox({ name: "benchassign", nodes: 1, progress });
  using runtime = await BenchRuntime.on(sandbox);
  const node = runtime.firstNode;
  const few = await addTimes(runtime, { node, samples: samples.few, name: "few" });
  tell(progress, "assigned", "few", few);
  await addManySwitches(sandbox, router);
  const more = await addTimes(runtime, {
    node,
    samples: samples.many.assigned,
    name: "many",
    from: samples.few,
    idle: () => settled(sandbox),
  });
  tell(progress, "assigned", `${many.switches} more`, more);
  return [
    ...addFigures("assigned: CNI ADD", few),
    ...addFigures(`assigned: CNI ADD beside ${many.switches} switches`, more),
    besideFew("assigned", more.weft, few.weft),
  ];
}

function tell(progress: Progress, way: string, switches: string, { weft, bare }: AddTimes): void {
  const [ofWeft, ofBare] = [weft, bare].map((values) => quantile(values, 0.5).toFixed(1));
  progress(`${way}, ${switches} switches: Weft ${ofWeft} ms, bare ${ofBare} ms`);
}
