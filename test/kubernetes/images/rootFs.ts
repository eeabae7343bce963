// The root file system of an image, made of programs of this machine and the libraries they are linked with: there is
// no registry to pull from. /bin, /sbin and /lib lead into /usr, as on the machine.

import { chmod, copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findProgram } from "../../../sandbox/install/requirements.ts";
import { run, tryRun } from "../../../sandbox/process/run.ts";

export interface RootContent {
  /** Programs of the machine, by name. */
  readonly programs: readonly string[];
  /** Whether busybox stands in for every program that is not among `programs`. */
  readonly busybox: boolean;
  /** path in the image ▶ file on the machine */
  readonly files: Readonly<Record<string, string>>;
}

const merged = ["bin", "sbin", "lib", "lib64"];
const texts = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/nsswitch.conf": "hosts: files dns\n",
};

/** Makes `root` anew. */
export async function makeRoot(root: string, { programs, busybox, files }: RootContent): Promise<void> {
  await rm(root, { recursive: true, force: true });
  const places = [
    "usr/bin",
    "usr/sbin",
    "usr/lib",
    "usr/lib64",
    "etc",
    "root",
    "proc",
    "sys",
    "dev",
    "run",
    "var",
  ];
  for (const place of [...places, "tmp", "uploads"]) await mkdir(join(root, place), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  await symlink("/run", join(root, "var/run"));
  for (const place of merged) await symlink(`usr/${place}`, join(root, place));
  for (const [path, text] of Object.entries(texts)) await writeFile(join(root, path), text);
  const taken = new Set(programs);
  for (const program of busybox ? [...programs, "busybox"] : programs) {
    const path = requireProgram(program);
    await put(root, path, `/usr/bin/${program}`);
    // It fails for a static program, which has no libraries.
    const { stdout } = await tryRun(["ldd", path]);
    for (const library of librariesIn(stdout)) await put(root, library, library);
  }
  if (busybox)
    for (const applet of (await run([requireProgram("busybox"), "--list"])).trim().split("\n"))
      if (!taken.has(applet) && applet !== "busybox") await symlink("busybox", join(root, "usr/bin", applet));
  for (const [path, file] of Object.entries(files)) await put(root, file, path);
}

/** The libraries and the loader in what ldd(1) prints. */
export const librariesIn = (printed: string): readonly string[] =>
  printed.split("\n").flatMap((line) => /(?:=> |^\t)(\/\S+)/.exec(line)?.[1] ?? []);

function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`not on this machine: ${name}; run: make kubernetes`);
  return path;
}

/** Follows links on the machine, so that the image has the file itself. */
async function put(root: string, file: string, path: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await copyFile(file, join(root, path));
}
