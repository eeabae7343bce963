// Takes a cluster away and leaves nothing behind: what runs in pods, the nodes' programs, mounts, cgroups, files, then the
// sandbox below. Needs only the name, so it also cleans up after an `up` that failed anywhere.

import { existsSync, globSync, readdirSync } from "node:fs";
import { appendFile, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { downSandbox } from "../../../sandbox/down.ts";
import { keeperName } from "../../../sandbox/keeper/process.ts";
import { baseDirectory } from "../../../sandbox/layout.ts";
import { endProcesses } from "../../../sandbox/process/end.ts";
import { ownAncestry } from "../../../sandbox/process/procfs.ts";
import { tryRun } from "../../../sandbox/process/run.ts";
import { Supervisor } from "../../../sandbox/process/supervisor.ts";
import { processesInCgroups, removeCgroups } from "../node/cgroups.ts";
import { processesInMounts } from "../node/namespace.ts";
import { cgroupPrefixOf, directoryOf, mountNamespaceOf } from "./places.ts";

const patienceMs = 3_000;

/** Returns whether there was anything to take away. */
export async function downCluster(name: string): Promise<boolean> {
  const directory = directoryOf(name);
  const sandboxes = baseDirectory(process.env);
  const existed = existsSync(directory) || existsSync(join(sandboxes, name));
  const supervisor = new Supervisor(join(sandboxes, name, "proc"));
  const prefix = cgroupPrefixOf(name);
  const nodes = globSync("nodes/*", { cwd: directory }).map((node) => join(directory, node));
  const namespaces = nodes.map(mountNamespaceOf);
  const spared = ownAncestry();
  // First of all the keeper and the kubelets, which would start again what is ended from here on.
  for (const process of [keeperName, ...supervisor.names().filter((each) => each.endsWith("-kubelet"))])
    await supervisor.stop(process);
  await endProcesses(
    () => [...processesInCgroups(prefix), ...processesInMounts(namespaces)].filter((pid) => !spared.has(pid)),
    patienceMs,
  );
  const { existed: hadSandbox } = await downSandbox(name, sandboxes);
  await removeCgroups(prefix);
  for (const node of nodes) {
    const file = mountNamespaceOf(node);
    // Two mounts: the namespace on the file, and the folder on itself.
    for (const path of [file, dirname(file)]) await tryRun(["umount", path]);
    await removeMade(node);
  }
  await rm(directory, { recursive: true, force: true });
  if (existsSync(dirname(directory)) && readdirSync(dirname(directory)).length === 0)
    await rmdir(dirname(directory));
  return existed || hadSandbox;
}

/**
 * Removes the folders that the machine did not have before, unless somebody has put something there. Whoever removes a folder
 * takes what is mounted on it away from all (detach_mounts in the kernel's fs/namespace.c), so another cluster that is up
 * has to do that when it goes.
 */
async function removeMade(node: string): Promise<void> {
  const list = join(node, "made");
  if (!existsSync(list)) return;
  const made = await readFile(list, "utf8");
  const [heir] = globSync(`${directoryOf("*")}/nodes/*/made`).filter(
    (other) => dirname(dirname(other)) !== dirname(node),
  );
  if (heir !== undefined) return appendFile(heir, made);
  for (const path of made.trimEnd().split("\n").toReversed())
    if (existsSync(path) && readdirSync(path).length === 0) await rmdir(path);
}
