// The CNI plugin as a Node executable (single executable application), to compare the real one with: the same source in
// one CommonJS file, injected into a copy of this Node as nodejs.org's manual describes ("Single executable
// applications").

import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Builds `folder/weft-cni-node` and returns its path. */
export async function buildNodeExecutable(folder: string): Promise<string> {
  const bundle = join(folder, "weft-cni.cjs");
  const blob = join(folder, "weft-cni.blob");
  const configuration = join(folder, "sea.json");
  const output = join(folder, "weft-cni-node");
  const bun = "node_modules/@oven/bun-linux-x64/bin/bun";
  await run(bun, [
    "build",
    "--target=node",
    "--format=cjs",
    "--minify",
    "src/cni/main.ts",
    "--outfile",
    bundle,
  ]);
  const sea = { main: bundle, output: blob, disableExperimentalSEAWarning: true, useCodeCache: true };
  writeFileSync(configuration, JSON.stringify(sea));
  await run(process.execPath, ["--experimental-sea-config", configuration]);
  copyFileSync(process.execPath, output);
  chmodSync(output, 0o755);
  const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
  await run("node_modules/.bin/postject", [output, "NODE_SEA_BLOB", blob, "--sentinel-fuse", fuse]);
  return output;
}
