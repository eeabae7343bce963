// OVN and Open vSwitch out of a folder (a Debian root file system made by debootstrap) instead of the machine's own:
// a wrapper of the same name for each program, first in the PATH, that enters the folder. Its mounts are private to the
// process and end with it, so nothing has to be unmounted, and nothing but the wrappers knows about the folder.

import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

const binaries = ["usr/bin", "usr/sbin"];

/** Throws when `folder` holds no OVN. */
export function requireOvn(folder: string): void {
  const missing = [
    "usr/sbin/ovs-vswitchd",
    "usr/sbin/ovsdb-server",
    "usr/bin/ovn-northd",
    "usr/bin/ovn-controller",
  ].filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0)
    throw new Error(
      `--ovn ${folder}: no ${missing.join(", ")} in it; make such a folder with: debootstrap --variant=minbase ` +
        `--include=ovn-central,ovn-host,openvswitch-switch,iproute2,procps trixie ${folder}`,
    );
}

/** Writes the wrappers into `programs`. `state` is the run directory, seen inside at the same path. */
export async function writeWrappers(folder: string, programs: string, state: string): Promise<void> {
  const root = resolve(folder);
  await mkdir(programs, { recursive: true });
  for (const directory of binaries) {
    for (const program of await readdir(join(root, directory))) {
      if (/^(ovs|ovn|ovsdb|vtep)-/.test(program))
        await writeFile(join(programs, program), wrapper(root, `/${directory}/${program}`, state), {
          mode: 0o755,
        });
    }
  }
}

function wrapper(root: string, program: string, state: string): string {
  // The whole top directory (`/run`), since that one exists in any root file system.
  const top = `/${resolve(state).split("/")[1] ?? ""}`;
  return `#!/bin/sh
# Runs ${program} of ${root}; same pid, no mount outlives it. As a slave it also loses the network namespaces
# that are deleted later: it would keep them alive.
exec unshare --mount --propagation slave sh -c '
root=$1
shift
for directory in /proc /sys /dev ${top}; do mount --rbind "$directory" "$root$directory" || exit 125; done
exec chroot "$root" "$@"' sh '${root.replaceAll("'", `'\\''`)}' ${program} "$@"
`;
}
