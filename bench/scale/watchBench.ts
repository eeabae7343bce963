// The watch layer with a hundred thousand pods: one complete list by watch from the embedded API, which runs in a
// process of its own. The watcher has the flags of bin/weft.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bench, repeated } from "../figure.ts";
import type { Scale } from "./objects.ts";
import { BenchProcess } from "./process.ts";

const pods = 100_000;
const rounds = 3;

export const watchBench: Bench = {
  name: "watch",
  about: `the watch layer takes in ${pods} pods, ${rounds} times`,
  async run(progress) {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      await using api = new BenchProcess([
        "node",
        "bench/scale/api.ts",
        folder,
        JSON.stringify({ nodes: 1000, pods, services: 1000 } satisfies Scale),
      ]);
      await api.line();
      progress(`the API holds ${pods} pods`);
      const seconds: number[] = [];
      const stallsMs: number[] = [];
      const peaks: number[] = [];
      for (let round = 0; round < rounds; round++) {
        await using watcher = new BenchProcess([
          ...["node", "--max-semi-space-size=4", "bench/scale/watcher.ts"],
          join(folder, "kubeconfig"),
        ]);
        const measured: { seconds: number; objects: number; stallMs: number } = JSON.parse(
          await watcher.line(),
        );
        if (measured.objects !== pods) throw new Error(`${measured.objects} pods arrived, not ${pods}`);
        seconds.push(measured.seconds);
        stallsMs.push(measured.stallMs);
        peaks.push(watcher.peakMegabytes);
      }
      return [
        repeated(`watch ${pods} pods: complete`, "s", seconds, 3),
        repeated(`watch ${pods} pods: longest stall`, "ms", stallsMs, 50),
        repeated(`watch ${pods} pods: peak RSS`, "MB", peaks, 350),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
