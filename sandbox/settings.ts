// The settings of a sandbox: checked when a user states them, and read back from the run directory by every later
// command.

import { existsSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import { clusterNetwork, defaultJoin } from "../src/config/ranges.ts";
import { type Family, formatCidr, overlaps, parseCidr } from "../src/model/ip.ts";
import { underlay } from "./cloud/cloud.ts";
import { machineNetwork, vmNetwork } from "./cloud/tenant.ts";
import { addressesIn, type Datapath } from "./host.ts";
import { mostNodes, namePattern, type Settings } from "./layout.ts";

/** What a user may leave out, with its defaults. */
export interface Choices {
  /** Default `demo`. */
  readonly name?: string;
  /** Default 3. */
  readonly nodes?: number;
  /** Default both. */
  readonly families?: readonly Family[];
  readonly clusterCidrs?: readonly string[];
  readonly serviceCidrs?: readonly string[];
  /** Default `overlay`. */
  readonly mode?: Settings["mode"];
  /** Default `assigned` in overlay mode; in underlay mode they are always `pooled`. */
  readonly addresses?: Settings["addresses"];
  /** Default `shared`. */
  readonly gateway?: Settings["gateway"];
  readonly cloud?: string;
  /** Default none; in another sandbox's cloud, whose own machines are untagged, `guestVlan`. */
  readonly vlan?: number;
  /** Default what `WEFT_DATAPATH` names, else `userspace`. */
  readonly datapath?: Datapath;
  /** See `chosenFolder`, which `up` calls before it makes settings of these: a folder, or none for the machine's own. */
  readonly ovn?: string | undefined;
  /** Default `all`. */
  readonly parts?: Settings["parts"];
}

const defaults = {
  cluster: { 4: "10.244.0.0/16", 6: "fd00:10:244::/48" },
  service: { 4: "10.96.0.0/16", 6: "fd00:10:96::/112" },
} as const;

const guestVlan = 101;

/** The sandbox's own networks, which its hosts are on. */
const hostNetworks = {
  overlay: [underlay],
  underlay: [underlay, vmNetwork, machineNetwork],
} as const;

/** Throws an error that says which choice makes no sense. */
export function settingsOf(choices: Choices, apiPort: number): Settings {
  const { name = "demo", mode = "overlay", nodes = 3, families = [4, 6], parts = "all", cloud } = choices;
  const { datapath = datapathOf(process.env["WEFT_DATAPATH"] ?? "userspace") } = choices;
  const { addresses = mode === "overlay" ? "assigned" : "pooled", gateway = "shared" } = choices;
  const vlan = choices.vlan ?? (cloud === undefined ? undefined : guestVlan);
  if (!namePattern.test(name))
    throw new Error(`--name ${name}: a letter, then at most 11 letters and digits, all lower case`);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > mostNodes)
    throw new Error(`--nodes ${nodes}: a number from 1 to ${mostNodes}`);
  if (mode === "underlay" && addresses === "assigned")
    throw new Error("--addresses assigned: in underlay mode addresses come from the nodes' pools");
  if (mode === "underlay" && (parts === "hosts" || parts === "ovs"))
    throw new Error(`--only ${parts}: in underlay mode OVN's cloud is the network that the nodes find`);
  if (mode === "underlay" && gateway === "local")
    throw new Error("--gateway local: in underlay mode the tenant's router is the pods' gateway");
  for (const [flag, value] of Object.entries({ cloud, vlan }))
    if (mode === "overlay" && value !== undefined)
      throw new Error(`--${flag} ${value}: only with --mode underlay, where there is a cloud`);
  if (cloud !== undefined && (!namePattern.test(cloud) || cloud === name))
    throw new Error(`--cloud ${cloud}: not the name of another sandbox`);
  if (vlan !== undefined && (!Number.isInteger(vlan) || vlan < 1 || vlan > 4094))
    throw new Error(`--vlan ${vlan}: a number from 1 to 4094`);
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
    const own = hostNetworks[mode]
      .flatMap((subnet) => addressesIn(subnet, [4, 6], 0))
      .flatMap((text) => parseCidr(text) ?? [])
      .find((candidate) => overlaps(candidate, cidr));
    if (own)
      throw new Error(`${formatCidr(cidr)} overlaps ${formatCidr(own)}, a network of the sandbox's hosts`);
  }
  const ranges = { families, clusterCidrs, serviceCidrs };
  const ways = { mode, addresses, gateway };
  return { name, ...ways, nodes, ...ranges, cloud, vlan, datapath, ovn: choices.ovn, parts, apiPort };
}

/** Throws when `text` is neither. */
export function datapathOf(text: string): Datapath {
  if (text === "userspace" || text === "kernel") return text;
  throw new Error(`WEFT_DATAPATH=${text}: userspace or kernel`);
}

const inWords = (families: readonly Family[]): string =>
  families.map((family) => `IPv${family}`).join(" and ");

const family = v.picklist([4, 6]);
const schema = v.object({
  name: v.pipe(v.string(), v.regex(namePattern)),
  mode: v.optional(v.picklist(["overlay", "underlay"]), "overlay"),
  addresses: v.optional(v.picklist(["assigned", "pooled"]), "assigned"),
  gateway: v.optional(v.picklist(["shared", "local"]), "shared"),
  nodes: v.number(),
  families: v.array(family),
  clusterCidrs: v.array(v.string()),
  serviceCidrs: v.array(v.string()),
  cloud: v.optional(v.pipe(v.string(), v.regex(namePattern))),
  vlan: v.optional(v.number()),
  datapath: v.optional(v.picklist(["userspace", "kernel"]), "userspace"),
  ovn: v.optional(v.string()),
  parts: v.picklist(["hosts", "ovs", "ovn", "all"]),
  apiPort: v.number(),
});

/** The settings kept in `file`. Undefined when there is no such file. */
export function readSettings(file: string): Settings | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const settings = v.parse(schema, JSON.parse(readFileSync(file, "utf8")));
    return { ...settings, cloud: settings.cloud, vlan: settings.vlan, ovn: settings.ovn };
  } catch (cause) {
    throw new Error(`${file}: not the settings of a sandbox; run: weft sandbox down`, { cause });
  }
}

/** Whether both mean the same sandbox. The port is chosen anew each time and does not count. */
export const sameSettings = (a: Settings, b: Settings): boolean =>
  isDeepStrictEqual({ ...a, apiPort: 0 }, { ...b, apiPort: 0 });
