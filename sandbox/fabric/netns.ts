// The network namespaces of a sandbox: made in one batch, found by their prefix, removed in one batch.

import { readdirSync, statSync } from "node:fs";
import { run, tryRun } from "../process/run.ts";

const directory = "/run/netns";
const fileOf = (name: string): string => `${directory}/${name}`;

/**
 * The command that runs `argv` inside the namespace. Unlike `ip netns exec` it keeps the pid and mounts no new /sys,
 * which would hide cgroups.
 */
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

/** The inodes that /proc/PID/ns/net shows for processes inside. A namespace that has just gone is left out. */
export const inodesOf = (names: readonly string[]): Set<number> =>
  new Set(names.flatMap((name) => statSync(fileOf(name), { throwIfNoEntry: false })?.ino ?? []));

/**
 * Removing a namespace that somebody else has just removed counts as success. `ip netns del` undoes only one mount, and
 * cannot remove the file ("Device or resource busy") when another program has mounted something there too: its mounts
 * arrive here, because those of /run/netns are shared (mount_namespaces(7)).
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

/** The first `ip netns add` on a machine mounts the directory on itself. The last sandbox undoes that. */
export async function removeNamespaceDirectory(): Promise<void> {
  if (listDirectory().length > 0) return;
  // Fails when it never was a mount, or when somebody has just made a namespace in it. Either way there is nothing to
  // do.
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
