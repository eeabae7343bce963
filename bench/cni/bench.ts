// CNI ADD on an idle node, from the start of the plugin to its answer, which comes when OVN has installed the flows.
// The Pod object is created just before. So the figure includes the decision of its address and its northbound row, as
// the bare figure includes the northbound row.

import { upSandbox } from "../../sandbox/up.ts";
import type { Bench } from "../figure.ts";
import { inTurn } from "../inTurn.ts";
import { megabytes } from "../scale/process.ts";
import { addFigures, addSides } from "../wiring/addSides.ts";
import { BenchRuntime } from "../wiring/runtime.ts";

const ofBlock = 5;
const turns = { fewest: 8, most: 16 };

export const cniBench: Bench = {
  name: "cni",
  about: `CNI ADD to ovn-installed on an idle node, Weft and bare in turn, ${turns.fewest} to ${turns.most} blocks of ${ofBlock}`,
  async run(progress) {
    await using sandbox = await upSandbox({ name: "benchcni", nodes: 1, progress });
    await using runtime = await BenchRuntime.on(sandbox);
    const sides = addSides(runtime, { node: runtime.firstNode, ofBlock, name: "" });
    await inTurn([[sides.weft, sides.bare]], turns);
    const agent = sandbox.processes.record("n1-agent").pid;
    return [
      ...addFigures("CNI ADD", sides, 1.5),
      { name: "agent RSS after that", unit: "MB", value: megabytes(agent, "VmRSS"), aim: 100 },
    ];
  },
};
