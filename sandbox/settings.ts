// The settings of a sandbox: checked when a user gives them, and read back from the run directory by every later
// command.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import { type Cidr, type Family, formatCidr, overlaps, parseCidr } from "../src/model/ip.ts";
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

/** Networks of the sandbox itself: the underlay, and what OVN uses inside. */
const taken = ["172.30.0.0/24", "fd00:172:30::/64", "100.64.0.0/16", "fd98::/64"];

export function settingsOf(choices: Choices, apiPort: number): Settings {
  const { name = "demo", nodes = 3, families = [4, 6], ovn, parts = "all" } = choices;
  if (!namePattern.test(name))
    throw new Error(`--name ${name}: a letter, then at most 11 letters and digits, all lower case`);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > mostNodes)
    throw new Error(`--nodes ${nodes}: a number from 1 to ${mostNodes}`);
  const clusterCidrs = choices.clusterCidrs ?? families.map((family) => defaults.cluster[family]);
  const serviceCidrs = choices.serviceCidrs ?? families.map((family) => defaults.service[family]);
  const networks = [
    ...checkedCidrs("--cluster-cidr", clusterCidrs, families),
    ...checkedCidrs("--service-cidr", serviceCidrs, families),
    ...taken.flatMap((text) => parseCidr(text) ?? []),
  ];
  for (const [index, network] of networks.entries()) {
    const other = networks.slice(index + 1).find((candidate) => overlaps(network, candidate));
    if (other)
      throw new Error(`${formatCidr(network)} overlaps ${formatCidr(other)}; choose another network`);
  }
  const folder = ovn === undefined ? undefined : resolve(ovn);
  return { name, nodes, families, clusterCidrs, serviceCidrs, ovn: folder, parts, apiPort };
}

function checkedCidrs(
  option: string,
  texts: readonly string[],
  families: readonly Family[],
): readonly Cidr[] {
  const cidrs = texts.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr) throw new Error(`${option} ${text}: not a network such as ${defaults.cluster[4]}`);
    return cidr;
  });
  const given = new Set(cidrs.map((cidr) => cidr.ip.family));
  if (cidrs.length !== families.length || given.symmetricDifference(new Set(families)).size > 0)
    throw new Error(
      `${option} ${texts.join(",")}: exactly one network for each of ${families.map((f) => `IPv${f}`).join(" and ")}`,
    );
  return cidrs;
}

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
