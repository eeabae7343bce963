// A group of nodes' addresses that policies speak of. Pods see another node at its management address: it is the source of
// what the node sends, and balancers send there what is for a server in its network. So a policy that means a node's own
// address means that one too.

import { hash } from "node:crypto";
import { selects } from "../kube/labelSelector.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { type Cidr, contains, formatCidr, type Ip } from "../model/ip.ts";
import type { ManagementAddress } from "../model/network.ts";
import type { Labels } from "./selection.ts";

export type NodeGroup = NodesByLabels | NodesInBlock;

/** All addresses of the nodes that a selector has, but those in `outside`. */
interface NodesByLabels {
  readonly kind: "labels";
  readonly nodes: LabelSelector;
  readonly outside: readonly Cidr[];
  readonly notNodes: readonly LabelSelector[];
}

/** What pods see of the nodes that have an address in a block. */
interface NodesInBlock {
  readonly kind: "block";
  readonly range: Cidr;
  readonly except: readonly Cidr[];
  readonly notNodes: readonly LabelSelector[];
  /** Also where that address is in the block itself, because the rule does not list the block whole. */
  readonly isListed: boolean;
}

/** As much of a node as policies see. */
export interface SeenNode {
  readonly labels: Labels;
  readonly hostAddresses: readonly Ip[];
  readonly standIns: readonly ManagementAddress[];
}

/** Undefined when the group adds nothing: a block of all addresses has every management address. */
export function nodeGroupId(group: NodeGroup): string | undefined {
  if (group.kind === "block" && isPlain(group)) {
    const { range, except } = group;
    return range.bits === 0 && except.length === 0
      ? undefined
      : idOfText([range, ...except].map(formatCidr).join());
  }
  const rest =
    group.kind === "block"
      ? { range: formatCidr(group.range), except: group.except.map(formatCidr), isListed: group.isListed }
      : { nodes: group.nodes, outside: group.outside.map(formatCidr) };
  return idOfText(JSON.stringify({ ...rest, notNodes: group.notNodes }));
}

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
  const isIn = (ip: Ip): boolean => contains(group.range, ip) && !isInOne(group.except, ip);
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

const isPlain = ({ notNodes, isListed }: NodesInBlock): boolean => notNodes.length === 0 && !isListed;

const idOfText = (text: string): string => hash("sha256", text, "hex").slice(0, 16);
