// Makes the container runtime use Weft. First it puts the CNI executable where the runtime looks, then the network
// configuration, which tells the runtime that this node can serve pods. The runtime may look at any moment, so both
// files appear complete.

import { constants } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Runtimes pick the first file by name. */
const configurationFile = "10-weft.conflist";

/** Installs `executable` into `directory`. A file of the same size and time is taken to be the same. */
export async function installPlugin(executable: string, directory: string): Promise<void> {
  const target = join(directory, basename(executable));
  const source = await stat(executable);
  const present = await statOrNothing(target);
  if (present?.size === source.size && present.mtimeMs === source.mtimeMs) return;
  await mkdir(directory, { recursive: true });
  const fresh = `${target}.new-${process.pid}`;
  await copyFile(executable, fresh, constants.COPYFILE_FICLONE);
  await chmod(fresh, 0o755);
  await utimes(fresh, source.atime, source.mtime);
  await rename(fresh, target);
}

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
  if ((await readOrNothing(target)) === text) return;
  await mkdir(directory, { recursive: true });
  // Runtimes only read *.conflist, so they skip this name.
  const fresh = join(directory, `.${name}.new`);
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, target);
}

const statOrNothing = (path: string) => stat(path).catch(absent);
const readOrNothing = (path: string) => readFile(path, "utf8").catch(absent);

function absent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
