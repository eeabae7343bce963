// CNI ADD on an idle node, from the start of the plugin to its answer, which comes when OVN has installed the flows.
// The Pod object is created just before. So the figure includes the decision of its address and its northbound row, as
// the bare figure includes the northbound row.

import { upSandbox } from "../../sandbox/up.ts";
import type { Bench } from "../figure.ts";
import { megabytes } from "../scale/process.ts";
import { addFigures, addTimes } from "../wiring/addTimes.ts";
import { BenchRuntime } from "../wiring/runtime.ts";

const samples = 40;

export const cniBench: Bench = {
  name: "cni",
  about: `CNI ADD to ovn-installed on an idle node, ${samples} times Weft and bare in turn`,
  async run(progress) {
    await using sandbox = await upSandbox({ name: "benchcni", nodes: 1, progress });
    using runtime = await BenchRuntime.on(sandbox);
    const times = await addTimes(runtime, { node: runtime.firstNode, samples, name: "" });
    const agent = sandbox.processes.record("n1-agent").pid;
    return [
      ...addFigures("CNI ADD", times, 1.5),
      { name: "agent RSS after that", unit: "MB", value: megabytes(agent, "VmRSS"), aim: 100 },
    ];
  },
};
