// What the virtual machine of `make test-kernel` boots: the kernel of Debian 13 with all its modules, and a first root
// file system, made here, that does nothing but change over to the machine's own disk. Packages are unpacked below
// build/, not installed: a kernel that apt installs changes how the machine itself boots.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { type Package, PrivateApt } from "../../sandbox/install/apt.ts";
import { run } from "../../sandbox/process/run.ts";

const release = "trixie";
const roots = ["linux-image-amd64", "busybox-static"];

export interface Image {
  /** `6.12.118+deb13-amd64`, as uname(1) says it. */
  readonly version: string;
  readonly kernel: string;
  readonly initramfs: string;
  /** What belongs at /lib/modules/VERSION. */
  readonly modules: string;
}

const build = join(import.meta.dirname, "../../build");
const folder = join(build, "kernel");
const initScript = join(import.meta.dirname, "init.sh");
const label = join(folder, "made-from");
/** Modules without which init.sh cannot reach the disk. Each brings those that it depends on. */
const firstModules = ["9pnet_virtio", "9p", "overlay"];

/** The image, made anew when what it is made from has changed. */
export async function kernelImage(say: (line: string) => void): Promise<Image> {
  const recipe = createHash("sha256")
    .update(readFileSync(import.meta.filename))
    .update(readFileSync(initScript))
    .digest("hex");
  if (!existsSync(label) || readFileSync(label, "utf8") !== recipe) {
    say(`kernel: unpacking that of Debian's ${release} into ${folder} (110 MB to download)`);
    mkdirSync(build, { recursive: true });
    const scratch = mkdtempSync(`${folder}.`);
    try {
      await unpack(scratch);
      writeFileSync(join(scratch, basename(label)), recipe);
      rmSync(folder, { recursive: true, force: true });
      renameSync(scratch, folder);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  return imageIn(folder);
}

function imageIn(directory: string): Image {
  const [kernel] = globSync(join(directory, "root/boot/vmlinuz-*"));
  if (kernel === undefined) throw new Error(`${directory} holds no kernel; remove it and try again`);
  const version = basename(kernel).replace("vmlinuz-", "");
  return {
    version,
    kernel,
    initramfs: join(directory, "initramfs"),
    modules: join(directory, "root/usr/lib/modules", version),
  };
}

async function unpack(scratch: string): Promise<void> {
  const root = join(scratch, "root");
  const apt = await PrivateApt.of(release, join(scratch, "apt"));
  await apt.download(wanted(await apt.closure(roots)), join(scratch, "archives"));
  for (const archive of globSync(join(scratch, "archives/*.deb")))
    await run(["dpkg-deb", "-x", archive, root]);
  for (const used of ["apt", "archives"]) rmSync(join(scratch, used), { recursive: true });
  const image = imageIn(scratch);
  await run(["depmod", "-b", join(root, "usr"), image.version]);
  await writeInitramfs(image, join(root, "usr/bin/busybox"), join(scratch, "first"));
}

/** The kernel itself, which the package of the unchanging name depends on, and the shell of its first programs. */
const wanted = (all: ReadonlyMap<string, Package>): readonly Package[] =>
  [...all.values()].filter(({ name }) => /^(linux-image-\d.*|busybox-static)$/.test(name));

async function writeInitramfs({ modules, initramfs }: Image, busybox: string, first: string): Promise<void> {
  mkdirSync(join(first, "modules"), { recursive: true });
  copyFileSync(busybox, join(first, "busybox"));
  copyFileSync(initScript, join(first, "init"));
  const files = inOrder(firstModules, readFileSync(join(modules, "modules.dep"), "utf8"));
  for (const [index, file] of files.entries()) {
    const number = String(index).padStart(2, "0");
    const module = await run([
      "sh",
      "-c",
      'xz -dc "$1" > "$2"',
      "sh",
      join(modules, file),
      join(first, "modules", `${number}-${basename(file, ".xz")}`),
    ]);
    if (module !== "") throw new Error(module);
  }
  await run(
    [
      "sh",
      "-c",
      `chmod 755 init busybox && find . | ./busybox cpio -o -H newc 2>/dev/null | gzip -1 > "$1"`,
      "sh",
      initramfs,
    ],
    { cwd: first },
  );
  rmSync(first, { recursive: true });
}

/** The files of `names` and of what they depend on, each after those it needs (modules.dep(5)). */
export function inOrder(names: readonly string[], modulesDep: string): readonly string[] {
  const needs = new Map(
    modulesDep
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [file = "", ...others] = line.split(/:? +|:$/).filter((word) => word !== "");
        return [file, others] as const;
      }),
  );
  const named = (name: string): string => {
    const found = [...needs.keys()].find((file) => basename(file).split(".")[0] === name);
    if (found === undefined) throw new Error(`the kernel has no module ${name}`);
    return found;
  };
  const ordered = new Set<string>();
  const add = (file: string): void => {
    for (const needed of needs.get(file)?.toReversed() ?? []) add(needed);
    ordered.add(file);
  };
  for (const name of names) add(named(name));
  return [...ordered];
}
