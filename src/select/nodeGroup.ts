// A group of nodes' addresses that policies speak of. Pods see another node at its management address: it is the source of
// what the node sends, and balancers send there what is for a server in its network. So a policy that means a node's own
// address means that one too.

import { hash } from "node:crypto";
import { selects } from "../kube/labelSelector.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { type Cidr, contains, formatCidr, type Ip } from "../model/ip.ts";
import type { ManagementAddress } from "../model/network.ts";
import type { Labels } from "./selection.ts";

export type NodeGroup = NodesByLabels | NodesInBlocks;

/** All addresses of the nodes that a selector matches, except those in `outside`. */
interface NodesByLabels {
  readonly kind: "labels";
  readonly nodes: LabelSelector;
  readonly outside: readonly Cidr[];
  readonly notNodes: readonly LabelSelector[];
}

/** A block of addresses, without those in `except`. */
export interface AddressBlock {
  readonly range: Cidr;
  readonly except: readonly Cidr[];
}

/** What pods see of the nodes that have an address in one of the blocks of a rule. */
interface NodesInBlocks {
  readonly kind: "blocks";
  readonly blocks: readonly AddressBlock[];
  readonly notNodes: readonly LabelSelector[];
  /** Also where that address is in a block itself, because the rule does not list the blocks whole. */
  readonly isListed: boolean;
}

/** What policies see of a node. */
export interface SeenNode {
  readonly labels: Labels;
  readonly hostAddresses: readonly Ip[];
  readonly standIns: readonly ManagementAddress[];
}

/** Undefined when the group adds nothing. */
export function nodeGroupId(group: NodeGroup): string | undefined {
  if (group.kind === "labels")
    return idOfText(
      JSON.stringify({
        nodes: group.nodes,
        outside: group.outside.map(formatCidr),
        notNodes: group.notNodes,
      }),
    );
  const { blocks, isListed, notNodes } = group;
  // A block of all addresses has every management address.
  const whole = isListed ? [] : blocks.filter(isWhole).map(({ range }) => range.ip.family);
  const rest = blocks.filter(({ range }) => !whole.includes(range.ip.family)).map(blockText);
  if (rest.length === 0) return undefined;
  return idOfText(JSON.stringify({ blocks: [...new Set(rest)].toSorted(), isListed, notNodes }));
}

const isWhole = ({ range, except }: AddressBlock): boolean => range.bits === 0 && except.length === 0;

const blockText = ({ range, except }: AddressBlock): string =>
  [formatCidr(range), ...except.map(formatCidr).toSorted()].join(" ");

export function nodeAddressesIn(group: NodeGroup, node: SeenNode): readonly Ip[] {
  const { labels, hostAddresses, standIns } = node;
  if (group.notNodes.some((selector) => selects(selector, labels))) return [];
  if (group.kind === "labels") {
    if (!selects(group.nodes, labels)) return [];
    const isLeft = (ip: Ip): boolean => !isInOne(group.outside, ip);
    const management = standIns.flatMap(({ host, management: ip }) =>
      isLeft(host) || isLeft(ip) ? [ip] : [],
    );
    return [...hostAddresses.filter(isLeft), ...management];
  }
  const isIn = (ip: Ip): boolean =>
    group.blocks.some(({ range, except }) => contains(range, ip) && !isInOne(except, ip));
  return standIns.flatMap(({ host, management }) => {
    const isMeant = isIn(management) ? group.isListed : isIn(host);
    return isMeant ? [management] : [];
  });
}

const isInOne = (blocks: readonly Cidr[], ip: Ip): boolean => blocks.some((one) => contains(one, ip));

/** A node's own addresses, and what pods see instead. */
export const addressesOf = ({ hostAddresses, standIns }: SeenNode): readonly Ip[] => [
  ...hostAddresses,
  ...standIns.map(({ management }) => management),
];

const idOfText = (text: string): string => hash("sha256", text, "hex").slice(0, 16);
