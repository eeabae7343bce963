// The watch layer with a hundred thousand pods: one complete list by watch from the embedded API, which runs in a
// process of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "../figure.ts";
import { BenchProcess } from "./process.ts";

const pods = 100_000;

export const watchBench: Bench = {
  name: "watch",
  about: `the watch layer takes in ${pods} pods`,
  async run(progress) {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      await using api = new BenchProcess([
        "node",
        "bench/scale/api.ts",
        folder,
        "1000",
        String(pods),
        "1000",
      ]);
      await api.line();
      progress(`the API holds ${pods} pods`);
      await using watcher = new BenchProcess(["node", "bench/scale/watcher.ts", join(folder, "kubeconfig")]);
      const measured: { seconds: number; objects: number; stallMs: number } = JSON.parse(
        await watcher.line(),
      );
      if (measured.objects !== pods) throw new Error(`${measured.objects} pods arrived, not ${pods}`);
      return [
        { name: `watch ${pods} pods: complete`, unit: "s", value: measured.seconds, aim: 4 },
        { name: `watch ${pods} pods: longest stall`, unit: "ms", value: measured.stallMs, aim: 50 },
        { name: `watch ${pods} pods: peak RSS`, unit: "MB", value: watcher.peakMegabytes, aim: 350 },
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
