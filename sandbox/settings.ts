// The settings of a sandbox: checked when a user gives them, and read back from the run directory by every later
// command.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import { clusterNetwork, defaultJoin } from "../src/decide/ranges.ts";
import { type Family, formatCidr, overlaps, parseCidr } from "../src/model/ip.ts";
import { mostNodes, namePattern, type Settings } from "./layout.ts";

/** What a user may leave out, and what it is then. */
export interface Choices {
  /** Default `demo`. */
  readonly name?: string;
  /** Default 3. */
  readonly nodes?: number;
  /** Default both. */
  readonly families?: readonly Family[];
  readonly clusterCidrs?: readonly string[];
  readonly serviceCidrs?: readonly string[];
  readonly ovn?: string;
  /** Default `all`. */
  readonly parts?: "ovn" | "all";
}

const defaults = {
  cluster: { 4: "10.244.0.0/16", 6: "fd00:10:244::/48" },
  service: { 4: "10.96.0.0/16", 6: "fd00:10:96::/112" },
} as const;

/** Networks of the sandbox itself. */
const underlay = ["172.30.0.0/24", "fd00:172:30::/64"].flatMap((text) => parseCidr(text) ?? []);

/** Throws one sentence that says which choice makes no sense. */
export function settingsOf(choices: Choices, apiPort: number): Settings {
  const { name = "demo", nodes = 3, families = [4, 6], parts = "all" } = choices;
  if (!namePattern.test(name))
    throw new Error(`--name ${name}: a letter, then at most 11 letters and digits, all lower case`);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > mostNodes)
    throw new Error(`--nodes ${nodes}: a number from 1 to ${mostNodes}`);
  const clusterCidrs = choices.clusterCidrs ?? families.map((family) => defaults.cluster[family]);
  const serviceCidrs = choices.serviceCidrs ?? families.map((family) => defaults.service[family]);
  const network = clusterNetwork({ pods: clusterCidrs, services: serviceCidrs, join: defaultJoin });
  if (new Set(network.families).symmetricDifference(new Set(families)).size > 0)
    throw new Error(
      `--cluster-cidr ${clusterCidrs.join()}: pods get ${inWords(network.families)}, nodes ${inWords(families)}; both must be the same`,
    );
  if (new Set(network.services.map(({ ip }) => ip.family)).size < network.services.length)
    throw new Error(`--service-cidr ${serviceCidrs.join()}: more than one network of a family`);
  for (const cidr of [...network.pods.map(({ cidr }) => cidr), ...network.services]) {
    const own = underlay.find((candidate) => overlaps(candidate, cidr));
    if (own) throw new Error(`${formatCidr(cidr)} overlaps ${formatCidr(own)}, the network of the nodes`);
  }
  const ovn = choices.ovn === undefined ? undefined : resolve(choices.ovn);
  return { name, nodes, families, clusterCidrs, serviceCidrs, ovn, parts, apiPort };
}

const inWords = (families: readonly Family[]): string =>
  families.map((family) => `IPv${family}`).join(" and ");

const family = v.picklist([4, 6]);
const schema = v.object({
  name: v.pipe(v.string(), v.regex(namePattern)),
  nodes: v.number(),
  families: v.array(family),
  clusterCidrs: v.array(v.string()),
  serviceCidrs: v.array(v.string()),
  ovn: v.optional(v.string()),
  parts: v.picklist(["ovn", "all"]),
  apiPort: v.number(),
});

/** The settings kept in `file`, or undefined when there is no such file. */
export function readSettings(file: string): Settings | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const settings = v.parse(schema, JSON.parse(readFileSync(file, "utf8")));
    return { ...settings, ovn: settings.ovn };
  } catch (cause) {
    throw new Error(`${file}: not the settings of a sandbox; run: weft sandbox down`, { cause });
  }
}

/** Whether the same sandbox is meant; the port is chosen anew each time and does not count. */
export const sameSettings = (a: Settings, b: Settings): boolean =>
  isDeepStrictEqual({ ...a, apiPort: 0 }, { ...b, apiPort: 0 });
