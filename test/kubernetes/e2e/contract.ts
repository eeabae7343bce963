// The contract tests of the embedded Kubernetes API, run against the real one: what the sandbox's API is taken to do, a real
// API server does too.

import { globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { tryRun } from "../../../sandbox/process/run.ts";
import { programFolder } from "../build/versions.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Row } from "./verdict.ts";

const root = join(import.meta.dirname, "../../..");
const limitMs = 10 * 60_000;
/** It starts the embedded API whatever the environment says: it is about the runner's socket, which no real kubelet has. */
const embeddedOnly = "api-kubelet.test.ts";

/** One row for each test file. */
export async function contractRows(
  { places }: Cluster,
  progress: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const folder = await mkdtemp(join(tmpdir(), "weft-contract-"));
  try {
    for (const file of globSync(join(root, "test/contract/{api-*,kube-api}.test.ts")).toSorted()) {
      if (file.endsWith(embeddedOnly)) continue;
      const name = `contract ${relative(root, file)}`;
      const started = performance.now();
      const counts = join(folder, "counts.json");
      const { status, stdout } = await tryRun(
        [
          "node",
          "--test",
          "--test-isolation=none",
          "--test-force-exit",
          "--test-reporter=./test/reporter.ts",
          file,
        ],
        {
          cwd: root,
          timeoutMs: limitMs,
          env: {
            WEFT_API_KUBECONFIG: places.kubeconfig,
            WEFT_TEST_COUNTS: counts,
            PATH: `${programFolder}:${process.env["PATH"]}`,
          },
        },
      );
      const { passed }: { readonly passed: number } = JSON.parse(await readFile(counts, "utf8"));
      const isGood = status === 0 && passed > 0;
      if (!isGood) progress(stdout);
      progress(`${isGood ? "ok  " : "FAIL"} ${name}: ${stdout.trimEnd().split("\n").at(-1)}`);
      const seconds = (performance.now() - started) / 1000;
      rows.push({
        name,
        group: "contract of the embedded API",
        outcome: isGood ? "passed" : "failed",
        reason: isGood ? "" : "see above",
        seconds,
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return rows;
}
