// An image as a file that `ctr images import` reads: the layout of `docker save`, one layer. The same root gives the
// same bytes.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "../../../sandbox/process/run.ts";

export interface ImageDescription {
  /** All names under which pods may ask for it. */
  readonly references: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const reproducible = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
const tarMs = 5 * 60_000;

/** Writes the image with the root file system `root` to `file`. */
export async function writeImage(file: string, root: string, image: ImageDescription): Promise<void> {
  const scratch = await mkdtemp(`${file}.`);
  try {
    const layer = join(scratch, "layer.tar");
    await run(["tar", ...reproducible, "-C", root, "-cf", layer, "."], { timeoutMs: tarMs });
    await writeFile(join(scratch, "config.json"), JSON.stringify(imageConfig(image, await sha256(layer))));
    const manifest = [{ Config: "config.json", RepoTags: image.references, Layers: ["layer.tar"] }];
    await writeFile(join(scratch, "manifest.json"), JSON.stringify(manifest));
    const whole = join(scratch, "image.tar");
    const members = ["manifest.json", "config.json", "layer.tar"];
    await run(["tar", ...reproducible, "-C", scratch, "-cf", whole, ...members], { timeoutMs: tarMs });
    await rename(whole, file);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The image's configuration (OCI image specification, config.md). An empty entry point or command is left out. */
const imageConfig = ({ entrypoint, command }: ImageDescription, layerSha256: string): object => ({
  architecture: "amd64",
  os: "linux",
  config: {
    Env: [`PATH=${path}`],
    ...(entrypoint.length > 0 && { Entrypoint: entrypoint }),
    ...(command.length > 0 && { Cmd: command }),
  },
  rootfs: { type: "layers", diff_ids: [`sha256:${layerSha256}`] },
});

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
