// Node subnets, cut from the cluster's pod ranges. Each family is separate, because one may be added to a running
// cluster.

import { addressAt, type Cidr, contains, type Family, formatCidr, sizeOf, widthOf } from "../../model/ip.ts";
import type { ClusterNetwork, PodRange } from "../../model/network.ts";
import { ExhaustedError } from "../errors.ts";
import { Holdings } from "./holdings.ts";
import { Ring } from "./ring.ts";

export class Subnets {
  readonly #held = new Holdings<string>();
  readonly #ranges: readonly Slices[];

  constructor(network: ClusterNetwork) {
    this.#ranges = network.pods.map(slicesOf);
  }

  /** Whether the configured ranges contain such a subnet at all. */
  knows(subnet: Cidr): boolean {
    return this.#slicesAround(subnet) !== undefined;
  }

  /** Claims `subnet` for `node`. Returns false when another node has it, or when no range contains it. */
  claim(node: string, subnet: Cidr): boolean {
    const slices = this.#slicesAround(subnet);
    if (!slices || !this.#held.claim(formatCidr(subnet), node)) return false;
    slices.ring.skip(Number((subnet.ip.value - slices.range.cidr.ip.value) / slices.step));
    return true;
  }

  take(node: string, family: Family): Cidr {
    const ranges = this.#ranges.filter(({ range }) => range.cidr.ip.family === family);
    for (const { range, ring, step } of ranges) {
      const subnetAt = (slice: number): Cidr => ({
        ip: addressAt(range.cidr, BigInt(slice) * step),
        bits: range.nodeBits,
      });
      const slice = ring.take((free) => this.#held.claim(formatCidr(subnetAt(free)), node));
      if (slice !== undefined) return subnetAt(slice);
    }
    const texts = ranges.map(({ range }) => `${formatCidr(range.cidr)} (/${range.nodeBits} a node)`);
    throw new ExhaustedError(
      `node ${node}: no subnet left in ${texts.join(", ")}; add a pod range or remove nodes`,
    );
  }

  drop(node: string, subnet: Cidr): void {
    this.#held.drop(formatCidr(subnet), node);
  }

  release(node: string): void {
    this.#held.release(node);
  }

  #slicesAround(subnet: Cidr): Slices | undefined {
    return this.#ranges.find(
      ({ range }) => range.nodeBits === subnet.bits && contains(range.cidr, subnet.ip),
    );
  }
}

interface Slices {
  readonly range: PodRange;
  readonly ring: Ring;
  /** The distance from one subnet to the next. */
  readonly step: bigint;
}

function slicesOf(range: PodRange): Slices {
  const step = 1n << BigInt(widthOf(range.cidr.ip.family) - range.nodeBits);
  const count = sizeOf(range.cidr) / step;
  // A million subnets are more than enough: node ids end at 5000.
  return { range, step, ring: new Ring(Number(count < 1_000_000n ? count : 1_000_000n)) };
}
