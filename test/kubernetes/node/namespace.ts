// The mount namespace of a node. It is kept by a file, not by a process, so it outlives whatever runs in it.

import { existsSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { inNetns } from "../../../sandbox/fabric/netns.ts";
import { unlessGone } from "../../../sandbox/process/procfs.ts";
import { run } from "../../../sandbox/process/run.ts";
import type { NodePlaces } from "../cluster/places.ts";

const script = join(import.meta.dirname, "mounts.sh");

/** Makes the namespace, unless it is there. */
export async function makeNamespace({ directory, mountNamespace, host }: NodePlaces): Promise<void> {
  if (await isKept(mountNamespace)) return;
  const folder = dirname(mountNamespace);
  await mkdir(folder, { recursive: true });
  // The file must not be seen in the namespace that it keeps: that would be a circle, which the kernel refuses
  // (mount_namespaces(7)). So its folder is a private mount.
  await run(["mount", "--bind", folder, folder]);
  await run(["mount", "--make-private", folder]);
  await writeFile(mountNamespace, "");
  const make = ["unshare", `--mount=${mountNamespace}`, "sh", script, directory, host.ovs, host.ovn];
  try {
    await run(inNetns(host.netns, make));
  } catch (error) {
    // Half a namespace would be taken for a whole one.
    await run(["umount", mountNamespace, folder]);
    throw error;
  }
}

/** The command that runs `argv` in the node's mount namespace. */
export const inMounts = ({ mountNamespace }: NodePlaces, argv: readonly string[]): readonly string[] => [
  "nsenter",
  `--mount=${mountNamespace}`,
  "--",
  ...argv,
];

/** The command that runs `argv` as if one had logged in on the node. */
export const inNode = (node: NodePlaces, argv: readonly string[]): readonly string[] =>
  inNetns(node.host.netns, inMounts(node, argv));

/** Whether a namespace is mounted on the file. */
async function isKept(file: string): Promise<boolean> {
  return existsSync(file) && (await run(["stat", "-f", "-c", "%T", file])).trim() === "nsfs";
}

/** All that runs in the mount namespaces that these files keep. */
export function processesInMounts(files: readonly string[]): readonly number[] {
  const wanted = new Set(files.flatMap((file) => inodeOf(file) ?? []).map((inode) => `mnt:[${inode}]`));
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => wanted.has(unlessGone(() => readlinkSync(`/proc/${pid}/ns/mnt`)) ?? ""))
    .map(Number);
}

/** The mount namespace that the file keeps; a plain file, as after a reboot, keeps none. */
function inodeOf(file: string): number | undefined {
  const [found, namespace] = [statSync(file, { throwIfNoEntry: false }), statSync("/proc/self/ns/mnt")];
  return found && found.dev === namespace.dev ? found.ino : undefined;
}
