// Takes a sandbox away and leaves nothing: no process, mount, namespace, link or file. It needs only the name, not
// the records, so that it also cleans up after an `up` that crashed at any point; and it may be repeated.

import { existsSync, readFileSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { guestsOf, leaveCloud } from "./cloud/guests.ts";
import { inodesOf, namespacesWith, removeNamespaceDirectory, removeNamespaces } from "./fabric/netns.ts";
import { namePattern, netnsPrefixOf } from "./layout.ts";
import { endProcesses } from "./process/end.ts";
import { ownAncestry, processesInNetns } from "./process/procfs.ts";
import { run } from "./process/run.ts";
import { Supervisor } from "./process/supervisor.ts";

const patienceMs = 3_000;

/** Whether there was anything of the sandbox `name` below the directory `base`. */
export async function downSandbox(name: string, base: string): Promise<boolean> {
  if (!namePattern.test(name)) throw new Error(`--name ${name}: not the name of a sandbox`);
  const guests = guestsOf(name, base).map((guest) => guest.name);
  if (guests.length > 0)
    throw new Error(
      `sandbox ${name}: ${guests.join(" ")} still runs in its cloud; first: weft sandbox down --name ${guests[0]}`,
    );
  const state = join(base, name);
  const prefix = netnsPrefixOf(name);
  const existed = existsSync(state) || namespacesWith(prefix).length > 0;
  const supervisor = new Supervisor(join(state, "proc"));
  const spared = ownAncestry();
  // Looked at anew each time: a runner may make one more namespace for a pod just before it ends.
  const ours = (): number[] =>
    [...new Set([...supervisor.alivePids(), ...processesInNetns(inodesOf(namespacesWith(prefix)))])].filter(
      (pid) => !spared.has(pid),
    );
  await endProcesses(ours, patienceMs);
  await leaveCloud(name, base);
  await unmountBelow(state);
  await removeNamespaces(namespacesWith(prefix));
  await removeNamespaceDirectory();
  await rm(state, { recursive: true, force: true });
  await removeIfEmpty(base);
  return existed;
}

/** Throws when something stays mounted: removing files below it would remove files of somebody else. */
async function unmountBelow(directory: string): Promise<void> {
  for (const mount of mountsBelow(directory).toReversed()) await run(["umount", mount]);
  const left = mountsBelow(directory);
  if (left.length > 0) throw new Error(`still mounted: ${left.join(" ")}; unmount it and try again`);
}

/** In the order of mounting (proc(5), mountinfo: the fifth field, blanks as octal). */
function mountsBelow(directory: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "))
    .filter((path) => path === directory || path.startsWith(`${directory}/`));
}

/** The base directory is shared by all sandboxes; the last one to go takes it along. */
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
