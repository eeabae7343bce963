// Makes, inspects and removes the link of a pod. The commands themselves are in links.ts.

import { stat, statfs } from "node:fs/promises";
import * as v from "valibot";
import { formatCidr, type InterfaceAddress, parseInterfaceAddress } from "../../model/ip.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { PodLink } from "../nouns/link.ts";
import { hostBatch, podBatch, retuneBatch } from "./links.ts";
import { CommandError, type Run } from "./run.ts";

/** An interface's MAC and addresses, without link-local ones. */
export interface Inspected {
  readonly mac: string;
  readonly addresses: readonly InterfaceAddress[];
}

/** Makes both ends, the far one in the pod's namespace. Replaces what an agent that died half-way left behind. */
export async function makeLink(run: Run, link: PodLink): Promise<void> {
  const make = (): Promise<string> => run(["ip", "-batch", "-"], { stdin: hostBatch(link) });
  try {
    await make();
  } catch (error) {
    if (!exists(error)) throw error;
    await removeLinks(run, [link.hostInterface]);
    await make().catch((again: unknown) => {
      if (!exists(again)) throw again;
      const message = `CNI_IFNAME ${link.ifname}: the container has an interface of that name that is not Weft's`;
      throw new CniError(cniCode.invalidEnvironment, message, { cause: again });
    });
  }
}

const exists = (error: unknown): boolean =>
  error instanceof CommandError && error.output.includes("File exists");

/**
 * Everything that is done inside the pod, as one shell script, because starting a process costs as much as the work
 * it does. The pod must not accept router advertisements: with one, a neighbour could become the pod's default route
 * (CVE-2020-10749). So that is switched off first, before the link is up. A runtime may have made the namespace without IPv6
 * (`disable_ipv6`); for a pod with an address of that family, its interface gets it. A kernel without IPv6 has no such
 * settings. The second argument is `own` when the pod must compute its own checksums, the third `6` when it has IPv6.
 */
const configure = `settings=/proc/sys/net/ipv6/conf/$1
[ ! -e "$settings" ] || echo 0 > "$settings/accept_ra" || exit
[ "$3" != 6 ] || [ ! -e "$settings" ] || echo 0 > "$settings/disable_ipv6" || exit
[ "$2" != own ] || { ethtool -K "$1" tx off > /dev/null & checksums=$!; }
ip -batch - || exit
[ -z "$checksums" ] || wait "$checksums"`;

/**
 * Configures the pod's end. A pod normally leaves checksums to its network card, but in the userspace datapath nobody
 * computes them, so there the pod must do it itself.
 */
export async function configureLink(run: Run, link: PodLink, ownChecksums: boolean): Promise<void> {
  const { netns, ifname, network } = link;
  const checksums = ownChecksums ? "own" : "offloaded";
  const families = network.addresses.map(({ ip }) => String(ip.family));
  const argv = ["sh", "-c", configure, "sh", ifname, checksums, families.includes("6") ? "6" : ""] as const;
  await run(argv, { stdin: podBatch(link), netns, title: `addresses and routes of ${ifname} in ${netns}` });
}

/** Gives a link that is in use another MTU. The end that sends is never larger than the one that receives. */
export async function retuneLink(
  run: Run,
  link: Pick<PodLink, "hostInterface" | "netns" | "ifname" | "network" | "mtu">,
  formerBytes: number,
): Promise<void> {
  const { hostInterface, netns, ifname, mtu } = link;
  const size = String(mtu.linkBytes);
  const inPod = async (): Promise<void> => {
    await run(["ip", "link", "set", "dev", ifname, "mtu", size], { netns });
    // Routes that the pod itself has removed or replaced are its own affair.
    await run(["ip", "-force", "-batch", "-"], { netns, stdin: retuneBatch(link) }).catch(ignoreRefusals);
  };
  const onNode = (): Promise<unknown> => run(["ip", "link", "set", "dev", hostInterface, "mtu", size]);
  if (mtu.linkBytes > formerBytes) await onNode();
  await inPod();
  if (mtu.linkBytes < formerBytes) await onNode();
}

function ignoreRefusals(error: unknown): void {
  if (!(error instanceof CommandError)) throw error;
}

/** Removes links by the names of their node ends. A link that has already gone, with its pod's namespace, is fine. */
export async function removeLinks(run: Run, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await run(["ip", "link", "delete", name]);
    } catch (error) {
      if (!(error instanceof CommandError && error.output.includes("Cannot find device"))) throw error;
    }
  }
}

/** Names of the links in the node's namespace. */
export async function linkNames(run: Run): Promise<ReadonlySet<string>> {
  const links = v.parse(linkSchema, JSON.parse(await run(["ip", "-json", "link", "show"])));
  return new Set(links.map(({ ifname }) => ifname));
}

/**
 * The interface `ifname`, in the pod's namespace if `netns` is given; undefined when the interface or the namespace
 * does not exist.
 */
export async function inspectLink(run: Run, ifname: string, netns?: string): Promise<Inspected | undefined> {
  try {
    const show = ["ip", "-json", "address", "show", "dev", ifname] as const;
    const text = await run(show, netns === undefined ? {} : { netns });
    const [found] = v.parse(ipAddressSchema, JSON.parse(text));
    return found && { mac: found.address, addresses: addressesIn(found.addr_info) };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** NSFS_MAGIC of linux/magic.h: the file system of all that one can enter with setns(2). */
const namespaceFiles = 0x6e736673;

/** Throws a CniError unless `netns` is a network namespace other than the agent's own. */
export async function requireForeignNamespace(netns: string): Promise<void> {
  const found = await stat(netns).catch((error: unknown) => {
    throw new CniError(cniCode.invalidEnvironment, `CNI_NETNS ${netns} cannot be opened`, { cause: error });
  });
  if ((await statfs(netns)).type !== namespaceFiles) {
    throw new CniError(cniCode.invalidEnvironment, `CNI_NETNS ${netns} is not a network namespace`);
  }
  const own = await stat("/proc/self/ns/net");
  if (found.dev === own.dev && found.ino === own.ino) {
    throw new CniError(cniCode.invalidEnvironment, `CNI_NETNS ${netns} is the node's own network namespace`);
  }
}

export const hasAddresses = (found: Inspected, wanted: readonly InterfaceAddress[]): boolean => {
  const there = new Set(found.addresses.map(formatCidr));
  return wanted.every((address) => there.has(formatCidr(address)));
};

const linkSchema = v.array(v.object({ ifname: v.string() }));
const addrInfo = v.array(v.object({ local: v.string(), prefixlen: v.number(), scope: v.string() }));
const ipAddressSchema = v.array(v.object({ address: v.string(), addr_info: addrInfo }));

const addressesIn = (info: v.InferOutput<typeof addrInfo>): readonly InterfaceAddress[] =>
  info
    .filter(({ scope }) => scope === "global")
    .flatMap(({ local, prefixlen }) => parseInterfaceAddress(`${local}/${prefixlen}`) ?? []);
