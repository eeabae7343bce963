// The image's root file system: Debian's files, Node, the bundle of Weft, the CNI plugin and the start script.

import { globSync, lstatSync } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Package, PrivateApt } from "../../sandbox/install/apt.ts";
import { linkedWith } from "../../sandbox/install/ovn.ts";
import { run } from "../../sandbox/process/run.ts";
import { folders, kept, links, packages, release, texts } from "./contents.ts";
import { addWeftFiles, nodeProgram } from "./weftFiles.ts";

/** Makes `root` anew, with everything else in `scratch`. Resolves with the Debian packages that are in it. */
export async function makeRootFs(root: string, scratch: string): Promise<readonly Package[]> {
  await rm(root, { recursive: true, force: true });
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  const taken = await unpackDebian(root, scratch);
  await addWeft(root);
  for (const [path, text] of Object.entries(texts)) await put(join(root, path), text);
  for (const [link, target] of Object.entries(links)) {
    await rm(join(root, link), { force: true });
    await mkdir(dirname(join(root, link)), { recursive: true });
    await symlink(target, join(root, link));
  }
  return taken;
}

async function unpackDebian(root: string, scratch: string): Promise<readonly Package[]> {
  const apt = await PrivateApt.of(release, join(scratch, "apt"));
  const taken = linkedWith(packages, await apt.closure(packages));
  await apt.download(taken, join(scratch, "archives"));
  const whole = join(scratch, "whole");
  for (const archive of globSync(join(scratch, "archives/*.deb")).sort())
    await run(["dpkg-deb", "-x", archive, whole]);
  for (const file of globSync([...kept], { cwd: whole })) {
    if (lstatSync(join(whole, file)).isDirectory()) continue;
    await mkdir(dirname(join(root, file)), { recursive: true });
    await rename(join(whole, file), join(root, file));
  }
  return taken;
}

/** All that is not Debian's. Needs build/weft-cni (`make cni`). */
export async function addWeft(root: string): Promise<void> {
  await addWeftFiles(join(root, "opt/weft"));
  await mkdir(join(root, "usr/bin"), { recursive: true });
  await copyFile(nodeProgram, join(root, "usr/bin/node"));
  for (const script of ["weft", "weft-start"]) {
    const path = join(root, "usr/bin", script);
    await copyFile(join(import.meta.dirname, `${script}.sh`), path);
    await chmod(path, 0o755);
  }
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
