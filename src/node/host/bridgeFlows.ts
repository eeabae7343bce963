// The flows of the external bridge, in the format of `ovs-ofctl`. The node and OVN's gateway router share one address
// and one MAC behind one uplink. The connection tracker's mark remembers which of the two opened a connection, and
// replies go back there; traffic that neither opened goes to the node. Tables and zone are those of ovn-kubernetes'
// shared gateway.

import { type Cidr, formatCidr } from "../../model/ip.ts";

/** "weft" in ASCII. Marks our flows, so that we replace only those. */
export const bridgeCookie = "0x77656674";

/** Outside the range that ovn-controller assigns to logical ports, and the zone that ovn-kubernetes uses. */
const zone = 64000;
const mark = { ovn: 1, node: 2 } as const;
const remember = (value: number): string => `ct(commit,zone=${zone},exec(set_field:${value}->ct_mark))`;

/** The action that remembers a connection as one whose other end is OVN. */
export const fromOvn = remember(mark.ovn);

export const genevePort = 6081;

/**
 * Neighbour discovery (RFC 4861): solicitations, advertisements, redirects. The node and OVN both need to hear all of
 * it.
 */
const neighbourDiscovery = [133, 134, 135, 136, 137] as const;

export interface ExternalBridge {
  /** The bridge's MAC, which OVN's gateway router shares. */
  readonly mac: string;
  /** OpenFlow numbers of the interfaces towards the network: several when the uplink is a bond. */
  readonly uplinks: readonly number[];
  /** The action that sends towards the network. */
  readonly out: string;
  /** OpenFlow number of the patch port to br-int, which ovn-controller makes. */
  readonly patch: number;
  /** Pod addresses, which must never leave the node untranslated. */
  readonly pods: readonly Cidr[];
  /** Outside of the cluster, where pods are known by their own addresses. */
  readonly direct: readonly Cidr[];
  /** The host is the pods' gateway: what goes to pods at their own addresses, and comes from them, passes through it. */
  readonly throughHost?: boolean;
}

/**
 * A bundle that takes our flows away in one step. One of them has taken the place of the flow by which a bridge forwards
 * as a switch does, and without that flow the node would have no network at all.
 */
export const noBridgeFlows = (): string =>
  `delete cookie=${bridgeCookie}/-1\nadd table=0,priority=0,actions=NORMAL\n`;

/** A bundle that replaces our old flows with the new ones in one step. */
export function bridgeFlows(bridge: ExternalBridge): string {
  const { mac, uplinks, out, patch, pods, direct, throughHost } = bridge;
  const toBoth = `LOCAL,output:${patch}`;
  const toPods = throughHost ? "LOCAL" : `output:${patch}`;
  // By the gateway router too, for as long as OVN still sends them there.
  const fromPods = throughHost ? [patch, "LOCAL"] : [patch];
  const fromNetwork = (priority: number, match: string, actions: string): readonly string[] =>
    uplinks.map((uplink) => flow(0, priority, `in_port=${uplink},${match}`, actions));
  const ours = [
    // Tunnel traffic belongs to the node: it needs no tracking, and the userspace datapath decapsulates it at LOCAL.
    ...["udp", "udp6"].flatMap((udp) => [
      ...fromNetwork(500, `${udp},dl_dst=${mac},tp_dst=${genevePort}`, "LOCAL"),
      flow(0, 500, `in_port=LOCAL,${udp},tp_dst=${genevePort}`, out),
      // OVN has given a pod's packet the node's address, so another node would take it for one of our own tunnel's, and
      // what is inside for a packet of any port that the pod cares to name.
      flow(0, 500, `in_port=${patch},${udp},tp_dst=${genevePort}`, "drop"),
    ]),
    // Before the flows for neighbour discovery, which connection tracking does not translate. From LOCAL comes what the node
    // forwards, should its firewall have lost our rule.
    ...pods.flatMap((cidr) => {
      const source = cidr.ip.family === 4 ? "ip,nw_src" : "ipv6,ipv6_src";
      return [patch, "LOCAL"].map((port) =>
        flow(0, 300, `in_port=${port},${source}=${formatCidr(cidr)}`, "drop"),
      );
    }),
    // Without tracking: nothing is translated, and an answer may come by another node.
    ...pods.flatMap((cidr) => {
      const [ip, end] = cidr.ip.family === 4 ? ["ip", "nw"] : ["ipv6", "ipv6"];
      const pod = formatCidr(cidr);
      return direct
        .filter((range) => range.ip.family === cidr.ip.family)
        .map(formatCidr)
        .flatMap((range) => [
          ...fromPods.map((port) =>
            flow(0, 310, `in_port=${port},${ip},${end}_src=${pod},${end}_dst=${range}`, out),
          ),
          ...fromNetwork(310, `dl_dst=${mac},${ip},${end}_src=${range},${end}_dst=${pod}`, toPods),
        ]);
    }),
    // Routers on the way tell that packets are too large, for example.
    ...pods
      .filter((cidr) => direct.some((range) => range.ip.family === cidr.ip.family))
      .flatMap((cidr) =>
        cidr.ip.family === 4
          ? [3, 11].map((type) => `icmp,icmp_type=${type},nw_dst=${formatCidr(cidr)}`)
          : [1, 2, 3].map((type) => `icmp6,icmp_type=${type},ipv6_dst=${formatCidr(cidr)}`),
      )
      .flatMap((match) => fromNetwork(305, `dl_dst=${mac},${match}`, toPods)),
    ...["arp", ...neighbourDiscovery.map((type) => `icmp6,icmp_type=${type}`)].flatMap((neighbours) => [
      ...fromNetwork(200, neighbours, toBoth),
      flow(0, 200, `in_port=${patch},${neighbours}`, out),
      flow(0, 200, `in_port=LOCAL,${neighbours}`, out),
    ]),
    ...["ip", "ipv6"].flatMap((ip) => [
      flow(0, 100, `in_port=${patch},${ip}`, `${fromOvn},${out}`),
      flow(0, 100, `in_port=LOCAL,${ip}`, `${remember(mark.node)},${out}`),
      ...fromNetwork(100, `${ip},dl_dst=${mac}`, `ct(zone=${zone},table=1)`),
    ]),
    flow(0, 0, "", "NORMAL"),
    flow(1, 100, `ct_mark=${mark.ovn}`, `output:${patch}`),
    flow(1, 0, "", "LOCAL"),
  ];
  return `${[`delete cookie=${bridgeCookie}/-1`, ...ours].join("\n")}\n`;
}

const flow = (table: number, priority: number, match: string, actions: string): string =>
  `add cookie=${bridgeCookie},table=${table},priority=${priority}${match && `,${match}`},actions=${actions}`;
