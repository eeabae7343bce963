// CNI ADD on an idle node, from the start of the plugin to its answer, which comes when OVN has installed the flows.
// The pod object is created just before, so the decision of its address and its northbound row are in the figure, as
// the northbound row is in the bare one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { upSandbox } from "../../sandbox/up.ts";
import { type Bench, type Figure, quantile } from "../figure.ts";
import { megabytes } from "../scale/process.ts";
import { BenchRuntime } from "../wiring/runtime.ts";

const samples = 40;

export const cniBench: Bench = {
  name: "cni",
  about: `CNI ADD to ovn-installed on an idle node, ${samples} times Weft and bare in turn`,
  async run(progress) {
    const scratch = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      await using sandbox = await upSandbox({ name: "benchcni", nodes: 1, progress });
      using runtime = await BenchRuntime.on(sandbox, scratch);
      const weft: number[] = [];
      const bare: number[] = [];
      for (let i = 0; i < samples; i++) {
        weft.push(await oneOfWeft(runtime, `w${i}`));
        bare.push(await oneBare(runtime, `b${i}`, i));
      }
      const agent = sandbox.processes.record("n1-agent").pid;
      return [
        ...[0.5, 0.99].map(
          (share): Figure => ({
            name: `CNI ADD p${share * 100}`,
            unit: "ms",
            value: quantile(weft, share),
            limit: { name: "bare", value: quantile(bare, share) },
            ...(share === 0.5 && { aim: 1.5 }),
          }),
        ),
        { name: "agent RSS after that", unit: "MB", value: megabytes(agent, "VmRSS"), aim: 100 },
      ];
    } finally {
      rmSync(scratch, { recursive: true });
    }
  },
};

async function oneOfWeft(runtime: BenchRuntime, name: string): Promise<number> {
  const [node] = runtime.sandbox.layout.nodeHosts;
  if (!node) throw new Error("a sandbox without nodes");
  const pod = await runtime.namespaceFor(node, name);
  const uid = await runtime.createPod(pod);
  const start = performance.now();
  await runtime.add(pod, uid);
  const ms = performance.now() - start;
  await runtime.del(pod, uid);
  await runtime.deletePod(pod);
  await runtime.removeNamespace(pod);
  return ms;
}

async function oneBare(runtime: BenchRuntime, name: string, index: number): Promise<number> {
  const [node] = runtime.sandbox.layout.nodeHosts;
  if (!node) throw new Error("a sandbox without nodes");
  const pod = await runtime.namespaceFor(node, name);
  const start = performance.now();
  await runtime.addBare(pod, index);
  const ms = performance.now() - start;
  await runtime.delBare(pod);
  await runtime.removeNamespace(pod);
  return ms;
}
