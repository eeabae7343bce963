// Makes the images that are not in the cache yet. An image is named after all that it is made of, so a new program or
// another reference makes a new one.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../sandbox/process/run.ts";
import { cacheFolder, programFolder, versions } from "../build/versions.ts";
import { writeImage } from "./archive.ts";
import { flannelImages } from "./flannel.ts";
import { type Image, images } from "./images.ts";
import { kubeadmImages } from "./kubeadm.ts";
import { makeRoot } from "./rootFs.ts";

type Say = (line: string) => void;

const folder = join(cacheFolder, "images");
const flannelFolder = join(cacheFolder, "flannel-images");
const kubeadmFolder = join(cacheFolder, "kubeadm-images");

/** Every image that every cluster has, as a file that `ctr images import` reads. */
export const imageFiles = (): Promise<readonly string[]> => filesIn(folder);

/** The images that a cluster has beside them if flannel is its network. */
export const flannelImageFiles = (): Promise<readonly string[]> => filesIn(flannelFolder);

/** The images that a cluster has beside them if kubeadm makes it. */
export const kubeadmImageFiles = (): Promise<readonly string[]> => filesIn(kubeadmFolder);

async function filesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".tar")).map((name) => join(folder, name));
}

/** `source` is the folder of Kubernetes' published module. */
export async function buildImages(source: string, say: Say): Promise<void> {
  await mkdir(folder, { recursive: true });
  await buildInto(folder, images(await compilePause(source), source), say);
}

export const buildFlannelImages = (say: Say): Promise<void> => buildInto(flannelFolder, flannelImages, say);

/** Those that kubeadm lists. */
export async function buildKubeadmImages(say: Say): Promise<void> {
  const list = [join(programFolder, "kubeadm"), "config", "images", "list"];
  const printed = await run([...list, `--kubernetes-version=v${versions.kubernetes}`]);
  await buildInto(kubeadmFolder, kubeadmImages(printed.trim().split("\n")), say);
}

async function buildInto(folder: string, images: readonly Image[], say: Say): Promise<void> {
  await mkdir(folder, { recursive: true });
  const wanted = new Map<string, Image>();
  for (const image of images) wanted.set(`${image.name}-${await digest(image)}.tar`, image);
  for (const name of await readdir(folder))
    if (name.endsWith(".tar") && !wanted.has(name)) await rm(join(folder, name));
  for (const [name, image] of wanted) {
    const file = join(folder, name);
    if (existsSync(file)) continue;
    const root = join(folder, `${image.name}.root`);
    await makeRoot(root, image);
    await writeImage(file, root, image);
    await rm(root, { recursive: true });
    say(`image ${image.references[0]}`);
  }
}

/** Kubernetes' own pause.c, static, because its image has nothing else in it. */
async function compilePause(source: string): Promise<string> {
  const program = join(folder, "pause");
  if (!existsSync(program))
    await run(["gcc", "-Os", "-static", "-o", program, join(source, "build/pause/linux/pause.c")]);
  return program;
}

async function digest(image: Image): Promise<string> {
  const made = await Promise.all(
    Object.values(image.files).map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return [file, size, mtimeMs];
    }),
  );
  return createHash("sha256")
    .update(JSON.stringify([image, made]))
    .digest("hex")
    .slice(0, 8);
}
