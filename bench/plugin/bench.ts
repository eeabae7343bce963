// The plugin from start to exit, compared with a program that does nothing. VERSION needs no agent, so the figure only
// contains the start, reading stdin and the answer.

import { spawn } from "node:child_process";
import { type Bench, compared } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";

const ofBlock = 10;
const turns = { fewest: 10, most: 20 };

export const pluginBench: Bench = {
  name: "plugin",
  about: `the CNI plugin from start to exit (VERSION), in turn, ${turns.fewest} to ${turns.most} blocks of ${ofBlock}`,
  async run() {
    const side = (program: string): Side =>
      new Side(async () => {
        const times: number[] = [];
        for (let run = 0; run < ofBlock; run++) times.push(await startToExit(program));
        return times;
      });
    const [plugin, nothing] = [side("build/weft-cni"), side("/bin/true")];
    await inTurn([[plugin, nothing]], turns);
    return [0.5, 0.99].map((share) =>
      compared({
        name: `plugin start to exit p${share * 100}`,
        unit: "ms",
        share,
        own: plugin,
        limit: { name: "true(1)", side: nothing },
        aim: 2,
      }),
    );
  },
};

async function startToExit(program: string): Promise<number> {
  const start = performance.now();
  const child = spawn(program, { stdio: ["pipe", "ignore", "inherit"], env: { CNI_COMMAND: "VERSION" } });
  // A program that does nothing does not read it either.
  child.stdin.on("error", () => undefined);
  child.stdin.end('{"cniVersion":"1.1.0"}');
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return performance.now() - start;
}
