// The CNI configuration of a node: the first file in the configuration directory, by name, as containerd and CRI-O
// choose it, in the newest version that it offers and libcni knows. Without a file the network is not ready, and like a
// real kubelet the runner reports that.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";

const Plugin = v.looseObject({
  type: v.pipe(v.string(), v.regex(/^[^/]+$/, "a plugin's type is a file name")),
  capabilities: v.optional(v.record(v.string(), v.boolean())),
});
/** What the runner's own libcni would know. */
const knownVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const named = {
  cniVersion: v.optional(v.string(), "0.2.0"),
  name: v.pipe(v.string(), v.minLength(1)),
};
const Single = v.looseObject({ ...named, ...Plugin.entries });
const List = v.looseObject({
  ...named,
  plugins: v.pipe(v.array(Plugin), v.minLength(1)),
});
const Offered = v.looseObject({ cniVersions: v.optional(v.array(v.string()), []) });

export type PluginConfig = v.InferOutput<typeof Plugin>;
export type NetworkConfig = v.InferOutput<typeof List>;

export const networkConfigSchema = List;

/** Whether the configuration's version has the commands STATUS and GC. */
export const knowsStatusAndGc = ({ cniVersion }: NetworkConfig): boolean =>
  cniVersion.localeCompare("1.1.0", "en", { numeric: true }) >= 0;

/** @returns undefined when the directory has no configuration (or does not exist yet). @throws on a malformed one. */
export async function readNetworkConfig(directory: string): Promise<NetworkConfig | undefined> {
  const files = await readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const first = files.filter((file) => /\.(conflist|conf|json)$/.test(file)).sort()[0];
  if (first === undefined) return undefined;
  const path = join(directory, first);
  try {
    return parseNetworkConfig(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new Error(`CNI configuration ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** A single plugin's configuration (`*.conf`) is read as a list of one. */
export function parseNetworkConfig(json: unknown): NetworkConfig {
  const single = v.safeParse(Single, json);
  const { name, cniVersion, plugins } = single.success
    ? { ...single.output, plugins: [single.output] }
    : v.parse(List, json);
  const { cniVersions } = v.parse(Offered, json);
  return { name, cniVersion: newestOf([cniVersion, ...cniVersions]) ?? cniVersion, plugins };
}

/** libcni chooses when it reads the file, and uses that version for every call and result. */
const newestOf = (offered: readonly string[]): string | undefined =>
  knownVersions.findLast((known) => offered.includes(known));
