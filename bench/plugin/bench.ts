// The plugin from start to exit, compared with the same source as a Node executable. VERSION needs no agent, so the
// figure only contains the start, reading stdin and the answer.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, quantile } from "../figure.ts";
import { buildNodeExecutable } from "./nodeExecutable.ts";

const runs = 60;

export const pluginBench: Bench = {
  name: "plugin",
  about: `the CNI plugin from start to exit (VERSION), ${runs} runs each in turn`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      const nodeExecutable = await buildNodeExecutable(folder);
      const plugin: number[] = [];
      const other: number[] = [];
      for (let i = 0; i < runs; i++) {
        plugin.push(await startToExit("build/weft-cni"));
        other.push(await startToExit(nodeExecutable));
      }
      return [0.5, 0.99].map((share) => ({
        name: `plugin start to exit p${share * 100}`,
        unit: "ms",
        value: quantile(plugin, share),
        limit: { name: "as Node executable", value: quantile(other, share) },
        aim: 0.6,
      }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function startToExit(program: string): Promise<number> {
  const start = performance.now();
  const child = spawn(program, { stdio: ["pipe", "ignore", "inherit"], env: { CNI_COMMAND: "VERSION" } });
  child.stdin.end('{"cniVersion":"1.1.0"}');
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return performance.now() - start;
}
