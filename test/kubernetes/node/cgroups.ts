// A node's pods have a cgroup root of their own, and with it a name by which all that runs in pods is found and ended.
// Works with both versions of cgroups: in version 1 every controller has a tree, in version 2 there is one.

import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unlessGone } from "../../../sandbox/process/procfs.ts";

const base = "/sys/fs/cgroup";
const isUnified = (): boolean => existsSync(join(base, "cgroup.controllers"));

const trees = (): readonly string[] =>
  isUnified()
    ? [base]
    : readdirSync(base, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(base, entry.name, "cgroup.procs")))
        .map(({ name }) => join(base, name));

/** Makes the root of a node's pods (`/weft-NAME-n1`), which the kubelet wants to find. */
export async function makeCgroup(path: string): Promise<void> {
  for (const tree of trees()) {
    const folder = join(tree, path);
    await mkdir(folder, { recursive: true });
    // In version 1 a new cpuset is empty, and no process can enter it (cpuset(7)).
    for (const file of ["cpuset.cpus", "cpuset.mems"])
      if (!isUnified() && existsSync(join(folder, file)))
        await writeFile(join(folder, file), await readFile(join(tree, file), "utf8"));
  }
}

/** The processes in cgroups whose root begins with `prefix`. */
export function processesInCgroups(prefix: string): readonly number[] {
  const files = trees().flatMap((tree) =>
    globSync(`${prefix}*/**/cgroup.procs`, { cwd: tree }).map((file) => join(tree, file)),
  );
  const pids = files.flatMap((file) => (unlessGone(() => readFileSync(file, "utf8")) ?? "").split("\n"));
  return [...new Set(pids.filter((pid) => pid !== "" && pid !== "0").map(Number))];
}

/** Removes them, the innermost first. Nothing may run in them any more. */
export async function removeCgroups(prefix: string): Promise<void> {
  for (const tree of trees())
    for (const file of globSync(`${prefix}*/**/`, { cwd: tree }).toSorted().toReversed())
      await rmdir(join(tree, file));
}
