// How many ready ports a node keeps. Each holds an address, so the number follows what the node can run, not the size
// of its subnet. Each also costs OVN a few flows on the node, so the number of idle ones has an upper limit.

import type { Marks } from "../config/poolMarks.ts";
import type { Allocatable } from "../kube/objects.ts";
import { type Cidr, formatCidr } from "../model/ip.ts";
import { nodePodLimit } from "../model/limits.ts";
import { tags } from "../model/pool.ts";
import { roomIn } from "../model/site.ts";

/** Filling and shrinking both end in the middle, so that one more or one less pod does not cross a mark again. */
export const middleOf = ({ low, high }: Marks): number => Math.ceil((low + high) / 2);

/** How many pods a node with these resources is likely to run, even if its kubelet would admit more. */
const podsPerCpu = 32;
const podsPerGiB = 8;
const least: Marks = { low: 2, high: 8 };

/** A sixteenth and a quarter of the pods that the node is likely to run. `configured` is used as it is. */
export function marksFor(node: Allocatable, configured: Marks | undefined): Marks {
  if (configured) return configured;
  const { pods, cpus, memoryBytes } = node;
  const likely = Math.min(nodePodLimit, pods, cpus * podsPerCpu, (memoryBytes / 2 ** 30) * podsPerGiB);
  return {
    low: Math.max(least.low, Math.ceil(likely / 16)),
    high: Math.max(least.high, Math.ceil(likely / 4)),
  };
}

/** The most ports that a node may have, and what limits the number, in words for people. */
export interface Most {
  readonly ports: number;
  readonly because: string;
}

/** All pods that the kubelet admits, and as many unused ports as the marks allow, if the subnet and the tags suffice. */
export function mostPorts(
  node: Allocatable,
  marks: Marks,
  subnets: readonly Cidr[],
  isNested: boolean,
): Most {
  const pods = Math.min(nodePodLimit, node.pods);
  const bounds: Most[] = [
    { ports: pods + 2 * marks.high, because: `the node runs at most ${pods} pods` },
    {
      ports: Math.min(...subnets.map(roomIn)),
      because: `its subnet ${subnets.map(formatCidr).join(" and ")} has no more addresses; give nodes larger subnets`,
    },
  ];
  if (isNested)
    bounds.push({
      ports: tags.last,
      because: `one virtual machine has ${tags.last} VLAN tags; use more and smaller nodes`,
    });
  return bounds.reduce((a, b) => (b.ports < a.ports ? b : a));
}
