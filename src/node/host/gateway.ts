// How this node reaches the outside and by which addresses it is known, read from the external bridge that its
// administrator set up (the uplink is a port of the bridge, and the bridge itself has the node's addresses) and from the
// node's other interfaces.

import {
  type Cidr,
  contains,
  formatCidr,
  formatIp,
  type InterfaceAddress,
  type Ip,
  parseCidr,
} from "../../model/ip.ts";
import { onNode } from "../../model/names.ts";
import { type GatewayConfig, hairpinAddresses } from "../../model/network.ts";
import { innerRange } from "../../model/wayIn.ts";
import { type HostState, readHostState } from "./hostState.ts";
import { addressOf, identityOf, type Known } from "./identity.ts";
import type { Run } from "./run.ts";
import { type ExternalPorts, mtuOf } from "./uplink.ts";
import { ruleRemarks, wayOut } from "./wayOut.ts";

/** The node as seen from outside of it. */
export interface HostNetwork {
  readonly gateway: GatewayConfig;
  /** All addresses of the node on all its interfaces, sorted. */
  readonly hosts: readonly InterfaceAddress[];
  /** Sentences about what an operator might expect and Weft does not do. */
  readonly remarks: readonly string[];
}

export interface HostQuestion extends Known {
  readonly ports: ExternalPorts;
  /** The cluster's ranges. An address in them is a Service's or a pod's (NodeLocal DNS has such ones), not the node's. */
  readonly clusterRanges: readonly Cidr[];
  /** Pods leave by the host's own routing: whatever that does is as the operator wants it. */
  readonly throughHost?: boolean;
}

/** More addresses than any ordinary node has. Each takes flows on all nodes. */
const mostHosts = 100;

/** Rejects when the bridge or its address is missing, and says how to fix that. */
export const readHostNetwork = async (run: Run, question: HostQuestion): Promise<HostNetwork> =>
  hostNetwork(await readHostState(run), question);

export function hostNetwork(state: HostState, question: HostQuestion): HostNetwork {
  const { ports, clusterRanges, throughHost } = question;
  const bridge = onNode.externalBridge;
  const link = state.links.find(({ ifname }) => ifname === bridge);
  const addresses = link ? identityOf(link, question) : [];
  if (!link || addresses.length === 0) {
    throw new Error(
      `${bridge} is down or has no address: move the node's address from ${ports.uplink.name} to ${bridge}`,
    );
  }
  const out = wayOut(
    state,
    bridge,
    addresses.map(({ ip }) => ip.family),
  );
  const mtuBytes = mtuOf(ports) ?? link.mtu ?? 1500;
  return {
    gateway: {
      ...{ mac: link.address, addresses, nextHops: out.nextHops, mtuBytes },
      ...(throughHost && { throughHost }),
    },
    hosts: hostsIn(state, question),
    remarks: [
      ...(throughHost ? [] : [...out.remarks, ...ruleRemarks(state)]),
      ...leftOvers(state, clusterRanges),
    ],
  };
}

/** What a balancer's hairpin answers from, and what stands for nodes in front of balancers: reached through OVN, even if something on the node has it. */
const strangers = hairpinAddresses
  .flatMap((text) => parseCidr(`${text}/${text.includes(":") ? 128 : 32}`) ?? [])
  .concat(innerRange(4), innerRange(6));

function hostsIn(
  { links }: HostState,
  { clusterRanges, internal }: HostQuestion,
): readonly InterfaceAddress[] {
  const excluded = [...clusterRanges, ...strangers];
  const found = links
    .filter(({ ifname }) => ifname !== onNode.managementInterface)
    .flatMap(({ addr_info: infos }) =>
      infos.filter(({ scope, dadfailed }) => scope === "global" && !dadfailed),
    )
    .flatMap((info) => addressOf(info) ?? [])
    .filter(({ ip }) => !excluded.some((range) => contains(range, ip)));
  const once = new Map(found.map((address) => [formatIp(address.ip), address]));
  const isKnown = ({ ip }: InterfaceAddress): boolean =>
    internal.some((one) => one.family === ip.family && one.value === ip.value);
  const most = [...once.values()].toSorted((a, b) => Number(isKnown(b)) - Number(isKnown(a)));
  return most.slice(0, mostHosts).toSorted((a, b) => inOrder(a.ip, b.ip));
}

const inOrder = (a: Ip, b: Ip): number => a.family - b.family || (a.value < b.value ? -1 : 1);

/** Networks of other interfaces inside the cluster's ranges: the node would send what is for pods there. */
function leftOvers({ links }: HostState, clusterRanges: readonly Cidr[]): readonly string[] {
  return links
    .filter(({ ifname }) => ifname !== onNode.managementInterface)
    .flatMap(({ ifname, addr_info: infos }) =>
      infos.flatMap((info) => {
        const address = addressOf(info);
        const range = address && clusterRanges.find((each) => contains(each, address.ip));
        if (!range || address.bits >= (address.ip.family === 4 ? 32 : 128)) return [];
        return [
          `${ifname} has ${formatCidr(address)}, inside the cluster's range ${formatCidr(range)}: if it is left over from another network plugin, remove it`,
        ];
      }),
    );
}
