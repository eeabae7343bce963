// An image as a tar of an OCI image layout (image-spec, image-layout.md), with one layer. The same root file system
// gives the same bytes: names are sorted, times are 0, owners are root.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { run } from "../../sandbox/process/run.ts";

export interface ImageDescription {
  /** `example.org/weft:0.1.0` */
  readonly reference: string;
  readonly path: string;
  readonly entrypoint: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const tarMs = 5 * 60_000;
const media = (what: string): string => `application/vnd.oci.image.${what}`;
const reproducible = [
  ...["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--format=ustar"],
  "--no-xattrs",
];

/** Writes `file`, with everything else in `scratch`. Resolves with the digest of the image's manifest. */
export async function writeImage(
  file: string,
  root: string,
  scratch: string,
  image: ImageDescription,
): Promise<string> {
  const layout = join(scratch, "layout");
  const blobs = join(layout, "blobs/sha256");
  await rm(layout, { recursive: true, force: true });
  await mkdir(blobs, { recursive: true });
  const tar = join(scratch, "layer.tar");
  await run(["tar", ...reproducible, "-C", root, "-cf", tar, "."], { timeoutMs: tarMs });
  const packed = join(scratch, "layer.tar.gz");
  await pipeline(createReadStream(tar), createGzip({ level: 6 }), createWriteStream(packed));
  const layer = await moved(packed, blobs, media("layer.v1.tar+gzip"));
  const config = await written(blobs, media("config.v1+json"), {
    architecture: "amd64",
    os: "linux",
    config: { Env: [`PATH=${image.path}`], Entrypoint: image.entrypoint, Labels: image.labels },
    rootfs: { type: "layers", diff_ids: [`sha256:${await sha256(tar)}`] },
  });
  const manifest = await written(blobs, media("manifest.v1+json"), {
    schemaVersion: 2,
    mediaType: media("manifest.v1+json"),
    config,
    layers: [layer],
  });
  const annotations = {
    "io.containerd.image.name": image.reference,
    "org.opencontainers.image.ref.name": image.reference.replace(/^.*:/, ""),
  };
  const index = {
    schemaVersion: 2,
    mediaType: media("index.v1+json"),
    manifests: [{ ...manifest, annotations }],
  };
  await writeFile(join(layout, "index.json"), JSON.stringify(index));
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await run(["tar", ...reproducible, "-C", layout, "-cf", `${file}.new`, "."], { timeoutMs: tarMs });
  await rename(`${file}.new`, file);
  return manifest.digest;
}

async function written(blobs: string, mediaType: string, content: object): Promise<Descriptor> {
  const file = join(blobs, "new");
  await writeFile(file, JSON.stringify(content));
  return moved(file, blobs, mediaType);
}

/** Puts `file` among the blobs, under its own sum. */
async function moved(file: string, blobs: string, mediaType: string): Promise<Descriptor> {
  const [sum, { size }] = [await sha256(file), await stat(file)];
  await rename(file, join(blobs, sum));
  return { mediaType, digest: `sha256:${sum}`, size };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
