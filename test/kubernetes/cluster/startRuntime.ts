// A node as far as a machine goes that has containerd and images, and no cluster yet.

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { imageFiles } from "../images/build.ts";
import { makeCgroup } from "../node/cgroups.ts";
import { ctr, tryCtr } from "../node/ctr.ts";
import { makeNamespace } from "../node/namespace.ts";
import { containerdProcess, writeConfigurations } from "../node/processes.ts";
import { type Cluster, until } from "./cluster.ts";
import type { NodePlaces } from "./places.ts";

/** Starts containerd and imports the images that it has not got yet. */
export async function startRuntime(
  { places, sandbox }: Cluster,
  node: NodePlaces,
  signal: AbortSignal | undefined,
): Promise<void> {
  await makeCgroup(node.cgroup);
  await makeNamespace(node);
  await writeConfigurations(places, node);
  await sandbox.processes.launch(containerdProcess(places, node), signal);
  await until(
    `containerd of ${node.host.name} answers`,
    async () => (await tryCtr(node, "version")).status === 0,
    { signal },
  );
  const imported = join(node.directory, "images");
  await mkdir(imported, { recursive: true });
  for (const file of await imageFiles()) {
    const mark = join(imported, basename(file));
    if (existsSync(mark)) continue;
    await ctr(node, "images", "import", file);
    await writeFile(mark, "");
  }
}
