// Pod addresses: who holds which, and which one comes next. An address is held while a living pod has it, and while a port
// row in the northbound database still does. A pod gets the same offset in each of its node's
// subnets.

import { addressAt, formatCidr, formatIp, type Ip } from "../../model/ip.ts";
import { firstPodOffset, type PodNetwork, podNetworkAt } from "../../model/network.ts";
import { doubtAbout, offsetIn, roomIn, type Site } from "../../model/site.ts";
import type { PortHolder, RowAddresses } from "../../observe/rowAddresses.ts";
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

export class PodAddresses {
  readonly #rows: RowAddresses;
  /** Addresses by the pod's uid. */
  readonly #held = new Holdings<string>();
  /** first address of a node's first subnet -> the ring of offsets in its subnets */
  readonly #rings = new Map<bigint, Ring>();

  constructor(rows: RowAddresses) {
    this.#rows = rows;
  }

  /** Makes the pod hold `network`, or returns why it cannot. The row of a pod that is gone is no reason. */
  claim(
    holder: Holder,
    site: Site,
    network: PodNetwork,
    isGone: (holder: PortHolder) => boolean = () => false,
  ): string | undefined {
    const refused = this.whyNot(holder, site, network, isGone);
    if (refused !== undefined) return refused;
    this.#held.release(holder.uid);
    for (const { ip } of network.addresses) {
      this.#held.claim(formatIp(ip), holder.uid);
      const offset = offsetIn(site, ip);
      if (offset !== undefined) this.#ringOf(site).skip(offset - firstPodOffset);
    }
    return undefined;
  }

  /** Why the pod cannot hold `network`; undefined when it can. */
  whyNot(
    holder: Holder,
    site: Site,
    network: PodNetwork,
    isGone: (holder: PortHolder) => boolean = () => false,
  ): string | undefined {
    const doubt = doubtAbout(network, site);
    if (doubt !== undefined) return doubt;
    const taken = network.addresses.find(({ ip }) => !this.#isFree(holder, ip, isGone));
    return taken && `${formatIp(taken.ip)} is another pod's`;
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

  #isFree(holder: Holder, ip: Ip, isGone: (holder: PortHolder) => boolean = () => false): boolean {
    const text = formatIp(ip);
    return this.#held.isFree(text, holder.uid) && this.#rows.others(holder.port, text).every(isGone);
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
