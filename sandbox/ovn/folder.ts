// Runs OVN and Open vSwitch from a folder (what `make setup` unpacks, or a Debian root file system) instead of the
// machine's own. Each program gets a wrapper of the same name, first in the PATH, that starts it with the folder's own
// dynamic loader and libraries. The program sees the machine's files like any other: it needs no root, no mount and no
// second /run.

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";

/** In Debian, ovs-vswitchd is a link through /etc/alternatives, which a folder may lack. So its real place comes first. */
const programDirectories = ["usr/lib/openvswitch-switch", "usr/sbin", "usr/bin"];
const libraryDirectories = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
const required = ["ovs-vswitchd", "ovsdb-server", "ovn-northd", "ovn-controller"];

/** Where the wrappers for a folder are. */
export const wrappersOf = (folder: string): string =>
  join(
    import.meta.dirname,
    "../../build/programs",
    `${basename(folder)}-${createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 8)}`,
  );

/** Throws when `folder` holds no OVN. */
export function requireOvn(folder: string): void {
  const found = programsIn(folder);
  const missing = required.filter((program) => !found.has(program));
  if (missing.length > 0)
    throw new Error(
      `OVN of ${folder}: no ${missing.join(", ")} in it; make such a folder with: debootstrap --variant=minbase ` +
        `--include=ovn-central,ovn-host,openvswitch-switch trixie ${folder}`,
    );
}

/**
 * The executables of Open vSwitch and OVN in `folder`, by name. Scripts are left out, because they need more than a
 * folder.
 */
export function programsIn(folder: string): ReadonlyMap<string, string> {
  const root = resolve(folder);
  const found = new Map<string, string>();
  for (const directory of programDirectories.map((each) => join(root, each)).filter(existsSync))
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (/^(ovs|ovn|ovsdb|vtep)-/.test(name) && !found.has(name) && isOwnExecutable(root, path))
        found.set(name, path);
    }
  return found;
}

/** Writes the missing wrappers of the folder. Other processes may do the same at the same time. */
export function writeWrappers(folder: string): void {
  const directory = wrappersOf(folder);
  mkdirSync(directory, { recursive: true });
  for (const [name, program] of programsIn(folder)) {
    const file = join(directory, name);
    const text = `#!/bin/sh\nexec ${loading(folder, name, program).map(quoted).join(" ")} "$@"\n`;
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    const written = `${file}.${process.pid}`;
    writeFileSync(written, text, { mode: 0o755 });
    renameSync(written, file);
  }
}

/** The command line that starts `program` with only the folder's libraries. `name` is its own name for itself (ld.so(8)). */
export function loading(folder: string, name: string, program: string): readonly string[] {
  const directories = libraryDirectories.map((each) => join(resolve(folder), each)).filter(existsSync);
  const loader = directories.map((each) => join(each, "ld-linux-x86-64.so.2")).find(existsSync);
  if (loader === undefined) throw new Error(`OVN of ${folder}: no dynamic loader in it`);
  return [loader, "--inhibit-cache", "--argv0", name, "--library-path", directories.join(":"), program];
}

/** An absolute link in a root file system leads out of it, to the machine's own program. */
function isOwnExecutable(root: string, path: string): boolean {
  if (!existsSync(path) || !realpathSync(path).startsWith(`${realpathSync(root)}/`)) return false;
  const file = openSync(path, "r");
  const magic = Buffer.alloc(4);
  readSync(file, magic);
  closeSync(file);
  return magic.equals(Buffer.from("\x7fELF"));
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
