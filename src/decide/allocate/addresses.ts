// Pod addresses: who holds which, and which one comes next. An address is held while a living pod's annotation states
// it, or while a port row in the northbound database still has it. A pod gets the same offset in each of its node's
// subnets.

import { addressAt, type Cidr, formatCidr, formatIp, type Ip, sizeOf } from "../../model/ip.ts";
import { macOfFirst } from "../../model/mac.ts";
import { firstPodOffset, gatewayOf, ofFamily, type PodNetwork, podNetworkAt } from "../../model/network.ts";
import type { RowAddresses } from "../../observe/rowAddresses.ts";
import { ExhaustedError } from "../errors.ts";
import { Holdings } from "./holdings.ts";
import { Ring } from "./ring.ts";

/**
 * The pod that an address is for: `uid` identifies the pod, `port` is the name of its row, `label` is what people call
 * it.
 */
export interface Holder {
  readonly uid: string;
  readonly port: string;
  readonly label: string;
}

/** Where addresses come from: a node's name and its subnets. */
export interface Site {
  readonly name: string;
  readonly subnets: readonly Cidr[];
}

export class PodAddresses {
  readonly #rows: RowAddresses;
  /** Addresses by the pod's uid. */
  readonly #held = new Holdings<string>();
  /** first address of a node's first subnet -> the ring of offsets in its subnets */
  readonly #rings = new Map<bigint, Ring>();

  constructor(rows: RowAddresses) {
    this.#rows = rows;
  }

  /** Makes the pod hold `network`, or returns why the pod cannot be trusted with it. */
  claim(holder: Holder, site: Site, network: PodNetwork): string | undefined {
    const distrusted = this.#whyNot(holder, site, network);
    if (distrusted !== undefined) return distrusted;
    this.#held.release(holder.uid);
    for (const { ip } of network.addresses) {
      this.#held.claim(formatIp(ip), holder.uid);
      const offset = offsetIn(site, ip);
      if (offset !== undefined) this.#ringOf(site).skip(offset - firstPodOffset);
    }
    return undefined;
  }

  /** Throws `ExhaustedError` when no offset is free in all of the node's subnets. */
  take(holder: Holder, site: Site): PodNetwork {
    this.#held.release(holder.uid);
    const offset = this.takeOffset(() => holder, site);
    if (offset === undefined) throw new ExhaustedError(this.#exhausted(holder, site));
    return podNetworkAt(site.subnets, offset);
  }

  /**
   * Takes an offset that is free in all of the node's subnets: nobody holds it, and no row has it except that of the
   * holder at that offset. Undefined when there is none.
   */
  takeOffset(holderAt: (offset: number) => Holder, site: Site): number | undefined {
    const at = (offset: number): readonly Ip[] =>
      site.subnets.map((subnet) => addressAt(subnet, BigInt(offset)));
    const step = this.#ringOf(site).take((free) => {
      const offset = free + firstPodOffset;
      // Also skips what the holder has already, or a pool that has gone full circle would take its own ports again.
      return at(offset).every((ip) => !this.#held.has(formatIp(ip)) && this.#isFree(holderAt(offset), ip));
    });
    if (step === undefined) return undefined;
    const offset = step + firstPodOffset;
    for (const ip of at(offset)) this.#held.claim(formatIp(ip), holderAt(offset).uid);
    return offset;
  }

  release(uid: string): void {
    this.#held.release(uid);
  }

  #whyNot(holder: Holder, site: Site, network: PodNetwork): string | undefined {
    const doubt = doubtAbout(network, site);
    if (doubt !== undefined) return doubt;
    const taken = network.addresses.find(({ ip }) => !this.#isFree(holder, ip));
    return taken && `${formatIp(taken.ip)} is another pod's`;
  }

  #isFree(holder: Holder, ip: Ip): boolean {
    const text = formatIp(ip);
    return this.#held.isFree(text, holder.uid) && !this.#rows.heldByAnother(holder.port, text);
  }

  #ringOf({ name, subnets }: Site): Ring {
    const [first] = subnets;
    if (!first) throw new RangeError(`node ${name} has no subnet`);
    let ring = this.#rings.get(first.ip.value);
    if (!ring) {
      ring = new Ring(Math.min(...subnets.map(roomIn)));
      this.#rings.set(first.ip.value, ring);
    }
    return ring;
  }

  #exhausted(holder: Holder, site: Site): string {
    const subnets = site.subnets.map(formatCidr).join(" and ");
    return `${holder.label}: no address left in ${subnets} (node ${site.name}, ${this.#ringOf(site).size} used); delete pods on this node, or give nodes larger subnets`;
  }
}

/** Why no pod of this node can have `network`, no matter who has it now; undefined when one can. */
export function doubtAbout(network: PodNetwork, site: Site): string | undefined {
  if (network.mac !== macOfFirst(network.addresses)) return "its MAC is not that of its first address";
  for (const address of network.addresses) {
    const subnet = ofFamily(site.subnets, address.ip.family);
    if (subnet?.bits !== address.bits || offsetIn(site, address.ip) === undefined)
      return `${formatCidr(address)} is no pod's address on node ${site.name}`;
  }
  const gateways = network.addresses
    .flatMap(({ ip }) => ofFamily(site.subnets, ip.family) ?? [])
    .map(gatewayOf);
  return gateways.map(formatIp).join() === network.gateways.map(formatIp).join()
    ? undefined
    : "its gateways are not the node's";
}

/** How many pods fit: all addresses except those of the network, router and node and, in IPv4, broadcast. */
export function roomIn(subnet: Cidr): number {
  const last = subnet.ip.family === 4 ? 1n : 0n;
  const room = sizeOf(subnet) - BigInt(firstPodOffset) - last;
  return Number(room < 1_000_000n ? room : 1_000_000n);
}

/** The offset of `ip` if a pod may have it. */
export function offsetIn(site: Site, ip: Ip): number | undefined {
  const subnet = ofFamily(site.subnets, ip.family);
  if (!subnet) return undefined;
  const offset = ip.value - subnet.ip.value;
  return offset >= firstPodOffset && offset < firstPodOffset + roomIn(subnet) ? Number(offset) : undefined;
}
