// Runs Kubernetes' own tests as somebody outside of the cluster would: from a host that is not a node, with Ginkgo's runner,
// several specs at once.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { programFolder } from "../build/versions.ts";
import { type Cluster, kubectlProgram } from "../cluster/cluster.ts";
import { SpecCount } from "./specCount.ts";
import { type Spec, specsOf } from "./specReport.ts";

export interface Selection {
  /** Regular expressions of Go (RE2): no look-ahead. */
  readonly focus: string;
  readonly skip: string;
  readonly processes: number;
}

const progressMs = 30_000;

/** Runs the specs and leaves Ginkgo's report and what it said in `folder`. */
export async function runSpecs(
  { neighbour, places }: Cluster,
  folder: string,
  { focus, skip, processes }: Selection,
  progress: (line: string) => void,
): Promise<readonly Spec[]> {
  await mkdir(folder, { recursive: true });
  const ginkgo = [
    join(programFolder, "ginkgo"),
    `--procs=${processes}`,
    `--focus=${focus}`,
    ...(skip === "" ? [] : [`--skip=${skip}`]),
    "--timeout=4h",
    "--no-color",
    "--silence-skips",
    "--json-report=report.json",
    `--output-dir=${folder}`,
    join(programFolder, "e2e.test"),
  ];
  const flags = [
    `--kubeconfig=${places.insideKubeconfig}`,
    `--kubectl-path=${kubectlProgram}`,
    "--provider=skeleton",
    `--num-nodes=${places.nodes.length}`,
    `--report-dir=${folder}`,
    "--disable-log-dump",
  ];
  const [file = "", ...args] = neighbour.command([...ginkgo, "--", ...flags]);
  const child = spawn(file, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  // Interrupted, Ginkgo ends the specs under way and still writes its report.
  const interrupt = (): boolean => child.kill("SIGINT");
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const log = createWriteStream(join(folder, "ginkgo.log"));
  child.stderr.pipe(log, { end: false });
  const count = new SpecCount();
  const timer = setInterval(() => progress(count.words), progressMs);
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    log.write(chunk);
    count.take(String(chunk));
  }
  clearInterval(timer);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  log.end();
  progress(count.words);
  return specsOf(await readFile(join(folder, "report.json"), "utf8"));
}
