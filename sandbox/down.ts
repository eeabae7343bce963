// Removes a sandbox without leaving anything behind: no process, mount, namespace, link or file. It needs only the name
// and not the records, so it also cleans up after an `up` that crashed at any point, and it can be repeated. A step
// that fails does not keep the others from running.

import { existsSync, readFileSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { guestsOf, leaveCloud } from "./cloud/guests.ts";
import { type Holder, holdersOf } from "./fabric/holders.ts";
import { inodesOf, namespacesWith, removeNamespaceDirectory, removeNamespaces } from "./fabric/netns.ts";
import { keeperName } from "./keeper/process.ts";
import { namePattern, netnsPrefixOf } from "./layout.ts";
import { endProcesses } from "./process/end.ts";
import { ownAncestry, processesInNetns } from "./process/procfs.ts";
import { run } from "./process/run.ts";
import { Supervisor } from "./process/supervisor.ts";

const patienceMs = 3_000;

export interface Down {
  /** Whether anything of the sandbox existed. */
  readonly existed: boolean;
  /** Processes of others that keep its (now nameless) network namespaces alive. */
  readonly holders: readonly Holder[];
}

/**
 * Removes the sandbox `name` below the directory `base`. If something cannot be removed, tries everything else and then
 * throws.
 */
export async function downSandbox(name: string, base: string): Promise<Down> {
  if (!namePattern.test(name)) throw new Error(`--name ${name}: not the name of a sandbox`);
  const guests = guestsOf(name, base).map((guest) => guest.name);
  if (guests.length > 0)
    throw new Error(
      `sandbox ${name}: ${guests.join(" ")} still runs in its cloud; first run: weft sandbox down --name ${guests[0]}`,
    );
  const state = join(base, name);
  const prefix = netnsPrefixOf(name);
  const existed = existsSync(state) || namespacesWith(prefix).length > 0;
  const supervisor = new Supervisor(join(state, "proc"));
  const spared = ownAncestry();
  // Looked up again each time: a runner may make one more namespace for a pod just before it ends.
  const namespaces = new Set<number>();
  const ours = (): number[] => {
    const inside = inodesOf(namespacesWith(prefix));
    for (const inode of inside) namespaces.add(inode);
    const pids = new Set([...supervisor.alivePids(), ...processesInNetns(inside)]);
    return [...pids].filter((pid) => !spared.has(pid));
  };
  const failures: unknown[] = [];
  for (const step of [
    // First of all, because it would restart what is ended from here on.
    () => supervisor.stop(keeperName),
    () => endProcesses(ours, patienceMs),
    () => leaveCloud(name, base),
    () => removeNamespaces(namespacesWith(prefix)),
    () => removeNamespaceDirectory(),
    () => removeFiles(state),
    () => removeIfEmpty(base),
  ])
    await step().catch((failure: unknown) => failures.push(failure));
  const holders = holdersOf(namespaces);
  if (failures.length > 0) throw new Error(leftWords(name, failures, holders), { cause: failures[0] });
  return { existed, holders };
}

function leftWords(name: string, failures: readonly unknown[], holders: readonly Holder[]): string {
  const what = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  const who = holders.map(({ pid, command }) => `process ${pid} (${command})`).join(", ");
  const first = who === "" ? "mend that" : `end ${who}, which holds it`;
  return `sandbox ${name} is gone but for this: ${what.join("; ")}; ${first}, then: weft sandbox down --name ${name}`;
}

/** Throws when something is still mounted: removing files below a mount would remove somebody else's files. */
async function removeFiles(directory: string): Promise<void> {
  // Lazily: if somebody has a file open there, the mount persists but is no longer in our tree.
  for (const mount of mountsBelow(directory).toReversed()) await run(["umount", "--lazy", mount]);
  const left = mountsBelow(directory);
  if (left.length > 0) throw new Error(`still mounted: ${left.join(" ")}`);
  await rm(directory, { recursive: true, force: true });
}

/** In the order of mounting (proc(5), mountinfo: the fifth field, blanks as octal). */
function mountsBelow(directory: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
    .filter((path) => path === directory || path.startsWith(`${directory}/`));
}

/** All sandboxes share the base directory. The last one to go removes it. */
async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (
      !(
        error instanceof Error &&
        "code" in error &&
        /^(ENOENT|ENOTEMPTY|EEXIST|EBUSY)$/.test(String(error.code))
      )
    )
      throw error;
  }
}
