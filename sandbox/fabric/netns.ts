// The network namespaces of a sandbox: made in one batch, found by their prefix, removed in one batch.

import { readdirSync, statSync } from "node:fs";
import { run, tryRun } from "../process/run.ts";

const directory = "/run/netns";
const fileOf = (name: string): string => `${directory}/${name}`;

/** `argv` as it runs inside the namespace: same pid, and no new /sys that would hide cgroups (as `ip netns exec` has). */
export const inNetns = (netns: string, argv: readonly string[]): readonly string[] => [
  "nsenter",
  `--net=${fileOf(netns)}`,
  "--",
  ...argv,
];

export async function addNamespaces(names: readonly string[], signal: AbortSignal): Promise<void> {
  await run(["ip", "-batch", "-"], { input: names.map((name) => `netns add ${name}\n`).join(""), signal });
}

/** The names in alphabetical order. */
export function namespacesWith(prefix: string): string[] {
  return listDirectory()
    .filter((name) => name.startsWith(prefix))
    .toSorted();
}

/** What /proc/PID/ns/net of a process inside shows; a namespace that is gone meanwhile is left out. */
export const inodesOf = (names: readonly string[]): Set<number> =>
  new Set(names.flatMap((name) => statSync(fileOf(name), { throwIfNoEntry: false })?.ino ?? []));

/**
 * A namespace that somebody else has removed meanwhile is as good as removed. `ip netns del` undoes one mount, and then cannot
 * remove the file ("Device or resource busy") when another program has mounted something there too: its mounts arrive
 * here, since those of /run/netns are shared (mount_namespaces(7)).
 */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const stillThere = (): readonly string[] => listDirectory().filter((name) => names.includes(name));
  const input = names.map((name) => `netns del ${name}\n`).join("");
  await tryRun(["ip", "-force", "-batch", "-"], { input });
  const uncover = 'for file; do while umount -l "$file" 2>/dev/null; do :; done; rm -f "$file"; done';
  const { stderr } = await tryRun(["sh", "-c", uncover, "sh", ...stillThere().map(fileOf)]);
  const left = stillThere();
  if (left.length > 0)
    throw new Error(`network namespaces ${left.join(" ")} cannot be removed: ${stderr.trim()}`);
}

/** The first `ip netns add` of a machine mounts its directory on itself; the last sandbox takes that away again. */
export async function removeNamespaceDirectory(): Promise<void> {
  if (listDirectory().length > 0) return;
  // Fails when it never was a mount, or somebody has just made a namespace in it: both leave nothing to do.
  await run(["sh", "-c", `umount ${directory} 2>/dev/null; rmdir ${directory} 2>/dev/null; true`]);
}

function listDirectory(): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
