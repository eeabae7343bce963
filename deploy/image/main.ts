// `make image`: build/weft-image.tar, an OCI image that `ctr images import` takes, and its bill of materials beside it.
// Needs neither a container daemon nor root. Last line: the digest of the image.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { entrypoint, searchPath } from "./contents.ts";
import { writeImage } from "./oci.ts";
import { makeRootFs } from "./rootFs.ts";
import { billOfMaterials } from "./sbom.ts";

const checkout = join(import.meta.dirname, "../..");
const build = join(checkout, "build");
const lockSchema = v.object({
  version: v.string(),
  packages: v.record(
    v.string(),
    v.object({ version: v.string(), dev: v.optional(v.boolean()), optional: v.optional(v.boolean()) }),
  ),
});

try {
  mkdirSync(build, { recursive: true });
  const scratch = mkdtempSync(join(build, "image."));
  try {
    const lock = v.parse(lockSchema, JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")));
    const root = join(scratch, "root");
    console.log("image: unpacking Debian 13's packages");
    const debian = await makeRootFs(root, scratch);
    const npm = Object.entries(lock.packages).flatMap(([path, { version, dev, optional }]) =>
      path === "" || dev || optional ? [] : [{ name: path.replace(/^.*node_modules\//, ""), version }],
    );
    const { version } = lock;
    const bill = billOfMaterials({ version, nodeVersion: process.versions.node, debian, npm });
    const text = `${JSON.stringify(bill, undefined, 2)}\n`;
    writeFileSync(join(build, "weft-image.cdx.json"), text);
    writeFileSync(join(root, "opt/weft/sbom.cdx.json"), text);
    console.log(`image: packing ${debian.length} Debian packages, ${npm.length} npm packages and Node`);
    const digest = await writeImage(join(build, "weft-image.tar"), root, scratch, {
      reference: `weft.local/weft:${version}`,
      path: searchPath,
      entrypoint,
      labels: {
        "org.opencontainers.image.title": "weft",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
    console.log(`image: weft.local/weft:${version}, ${join(build, "weft-image.tar")}\n${digest}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
} catch (error) {
  console.error(`weft image: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
