// The ranges of a cluster's network: from configuration texts to a ClusterNetwork that makes sense. Everything is
// checked before anything starts, because nothing of it can be changed once nodes have subnets.

import {
  type Cidr,
  type Family,
  formatCidr,
  formatIp,
  overlaps,
  parseCidr,
  sizeOf,
  widthOf,
} from "../model/ip.ts";
import { type ClusterNetwork, nodeIds, type PodRange } from "../model/network.ts";
import { specialRanges } from "../model/specialAddresses.ts";
import { ConfigError } from "./error.ts";

export interface RangeOptions {
  /** `10.244.0.0/16`, or with the length of each node's prefix `10.244.0.0/16/24`. */
  readonly pods: readonly string[];
  readonly services: readonly string[];
  /** Where the cluster router and the gateway routers meet; one for each family of `pods`. */
  readonly join: readonly string[];
  /** Where pods are known by their own addresses. */
  readonly direct?: readonly string[];
}

export const defaultJoin: readonly string[] = ["100.64.0.0/16", "fd98::/64"];

const defaultNodeBits: Readonly<Record<Family, number>> = { 4: 24, 6: 64 };
/** A node's subnet needs at least six addresses: network, router, node, two pods and broadcast. */
const smallestSubnetBits = 3;

/** Throws a `ConfigError` that says which text is wrong and why. */
export function clusterNetwork(options: RangeOptions): ClusterNetwork {
  const pods = options.pods.map(podRange);
  const families = [...new Set(pods.map(({ cidr }) => cidr.ip.family))];
  if (families.length === 0) throw new ConfigError("no pod range is given: name one, such as 10.244.0.0/16");
  for (const family of families) checkUniform(pods.filter(({ cidr }) => cidr.ip.family === family));
  const services = options.services.map((text) => range("service range", text));
  for (const { ip } of services) {
    if (!families.includes(ip.family)) {
      throw new ConfigError(`service range of IPv${ip.family}, but no pod range of that family`);
    }
  }
  const join = families.map((family) => joinRange(options.join, family));
  checkDisjoint([
    ...pods.map(({ cidr }) => ["pod range", cidr] as const),
    ...services.map((cidr) => ["service range", cidr] as const),
    ...join.map((cidr) => ["join range", cidr] as const),
  ]);
  const direct = (options.direct ?? []).map((text) => range("direct range", text));
  for (const cidr of direct) {
    if (!families.includes(cidr.ip.family))
      throw new ConfigError(`direct range of IPv${cidr.ip.family}, but no pod range of that family`);
    checkDisjoint([
      ...pods.map((one) => ["pod range", one.cidr] as const),
      ...services.map((one) => ["service range", one] as const),
      ...join.map((one) => ["join range", one] as const),
      ["direct range", cidr],
    ]);
  }
  return { families, pods, services, join, direct };
}

function podRange(text: string): PodRange {
  const [address = "", bits = "", node] = text.split("/");
  const cidr = range("pod range", `${address}/${bits}`);
  const { family } = cidr.ip;
  const nodeBits = node === undefined ? defaultNodeBits[family] : Number(node);
  const most = widthOf(family) - smallestSubnetBits;
  if (text.split("/").length > 3 || (node !== undefined && !/^\d{1,3}$/.test(node)) || nodeBits > most) {
    throw new ConfigError(`pod range ${text}: the length of a node's prefix is at most ${most}`);
  }
  if (nodeBits < cidr.bits) {
    throw new ConfigError(`pod range ${text}: a node's /${nodeBits} does not fit into it`);
  }
  return { cidr, nodeBits };
}

function range(what: string, text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr)
    throw new ConfigError(`${what} ${text}: not an address with a prefix length, such as 10.244.0.0/16`);
  if (!text.startsWith(`${formatIp(cidr.ip)}/`)) {
    throw new ConfigError(`${what} ${text}: is not a network address; did you mean ${formatCidr(cidr)}?`);
  }
  if (specialRanges.some((block) => overlaps(block, cidr))) {
    throw new ConfigError(`${what} ${text}: contains addresses that no host can have`);
  }
  return cidr;
}

/** Routes by source compare prefix lengths, so all nodes' subnets must have the same length. */
function checkUniform(ranges: readonly PodRange[]): void {
  const [first] = ranges;
  for (const { cidr, nodeBits } of ranges) {
    if (first && nodeBits !== first.nodeBits) {
      throw new ConfigError(
        `pod ranges ${formatCidr(first.cidr)} and ${formatCidr(cidr)}: node prefixes of /${first.nodeBits} and /${nodeBits}, but one family has one length`,
      );
    }
  }
}

function joinRange(texts: readonly string[], family: Family): Cidr {
  const [join, second] = texts
    .map((text) => range("join range", text))
    .filter(({ ip }) => ip.family === family);
  if (!join || second) throw new ConfigError(`exactly one join range of IPv${family} is needed`);
  if (sizeOf(join) <= BigInt(nodeIds.last + 1)) {
    throw new ConfigError(`join range ${formatCidr(join)}: has no room for ${nodeIds.last} gateway routers`);
  }
  return join;
}

function checkDisjoint(ranges: readonly (readonly [string, Cidr])[]): void {
  for (const [index, [what, cidr]] of ranges.entries()) {
    const clash = ranges.slice(0, index).find(([, other]) => overlaps(cidr, other));
    if (clash)
      throw new ConfigError(`${what} ${formatCidr(cidr)} overlaps ${clash[0]} ${formatCidr(clash[1])}`);
  }
}
