// The files by which the container runtime and the plugin learn about this node. The runtime may look at any moment, so
// each appears complete.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { nothingIfAbsent } from "./absent.ts";

/** Runtimes pick the first file by name. */
export const configurationFile = "10-weft.conflist";

/**
 * A list with one plugin. Runtimes older than CNI 1.1 read `cniVersion` and refuse versions they do not know; newer
 * ones take the best of `cniVersions`.
 */
export const networkConfiguration = (plugin: string, socket: string): string =>
  `${JSON.stringify(
    {
      cniVersion: "1.0.0",
      cniVersions: ["0.4.0", "1.0.0", "1.1.0"],
      name: "weft",
      plugins: [{ type: plugin, socket }],
    },
    undefined,
    2,
  )}\n`;

export const writeConfiguration = (directory: string, text: string): Promise<void> =>
  writeWhole(directory, configurationFile, text);

/**
 * Leaves word beside the socket that this node has been ready since it started: /run is empty after a reboot. From
 * then on the plugin answers STATUS by itself, by looking for vswitchd in this folder.
 */
export const writeServed = (socket: string, ovsRunDirectory: string): Promise<void> =>
  writeWhole(dirname(socket), `${basename(socket)}.served`, `${JSON.stringify({ ovsRunDirectory })}\n`);

async function writeWhole(directory: string, name: string, text: string): Promise<void> {
  const target = join(directory, name);
  if ((await readFile(target, "utf8").catch(nothingIfAbsent)) === text) return;
  await mkdir(directory, { recursive: true });
  // Runtimes only read *.conflist, so they skip this name.
  const fresh = join(directory, `.${name}.new`);
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, target);
}
