// The plugin from start to exit, compared with the same source as a Node executable. VERSION needs no agent, so the
// figure only contains the start, reading stdin and the answer.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, compared } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { buildNodeExecutable } from "./nodeExecutable.ts";

const ofBlock = 10;
const turns = { fewest: 10, most: 20 };

export const pluginBench: Bench = {
  name: "plugin",
  about: `the CNI plugin from start to exit (VERSION), in turn, ${turns.fewest} to ${turns.most} blocks of ${ofBlock}`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      const nodeExecutable = await buildNodeExecutable(folder);
      const side = (program: string): Side =>
        new Side(async () => {
          const times: number[] = [];
          for (let run = 0; run < ofBlock; run++) times.push(await startToExit(program));
          return times;
        });
      const [plugin, other] = [side("build/weft-cni"), side(nodeExecutable)];
      await inTurn([[plugin, other]], turns);
      return [0.5, 0.99].map((share) =>
        compared({
          name: `plugin start to exit p${share * 100}`,
          unit: "ms",
          share,
          own: plugin,
          limit: { name: "as Node executable", side: other },
          aim: 0.6,
        }),
      );
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
