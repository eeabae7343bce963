// The flows of the external bridge, as `ovs-ofctl` reads them. The node and OVN's gateway router share one address and
// one MAC behind one uplink. Who opened a connection is remembered in the connection tracker's mark, and its replies go
// back there; what nobody here opened is the node's. Same tables and zone as ovn-kubernetes' shared gateway.

import { type Cidr, formatCidr } from "../../model/ip.ts";

/** "weft" in ASCII: marks our flows, so that we replace those and no others. */
const cookie = "0x77656674";

/** Out of the range that ovn-controller gives to logical ports from below; the same as ovn-kubernetes takes. */
const zone = 64000;
const mark = { ovn: 1, node: 2 } as const;

const geneve = 6081;

/** Neighbour discovery (RFC 4861): solicitations, advertisements, redirects. Both stacks need to hear all of it. */
const neighbourDiscovery = [133, 134, 135, 136, 137] as const;

export interface ExternalBridge {
  /** Of the bridge, which OVN's gateway router shares. */
  readonly mac: string;
  /** OpenFlow number of the port towards the network. */
  readonly uplink: number;
  /** OpenFlow number of the patch port to br-int, which ovn-controller makes. */
  readonly patch: number;
  /** Addresses of pods, which must never leave the node untranslated. */
  readonly pods: readonly Cidr[];
}

/** A bundle that takes away our old flows and adds the new ones, in one step. */
export function bridgeFlows({ mac, uplink, patch, pods }: ExternalBridge): string {
  const toBoth = `LOCAL,output:${patch}`;
  const ours = [
    // Tunnels are the node's own: they need no tracking, and the userspace datapath takes them off at LOCAL.
    ...["udp", "udp6"].flatMap((udp) => [
      flow(0, 500, `in_port=${uplink},${udp},dl_dst=${mac},tp_dst=${geneve}`, "LOCAL"),
      flow(0, 500, `in_port=LOCAL,${udp},tp_dst=${geneve}`, `output:${uplink}`),
    ]),
    ...["arp", ...neighbourDiscovery.map((type) => `icmp6,icmp_type=${type}`)].flatMap((neighbours) => [
      flow(0, 200, `in_port=${uplink},${neighbours}`, toBoth),
      flow(0, 200, `in_port=${patch},${neighbours}`, `output:${uplink}`),
      flow(0, 200, `in_port=LOCAL,${neighbours}`, `output:${uplink}`),
    ]),
    ...pods.map((cidr) => {
      const source = cidr.ip.family === 4 ? "ip,nw_src" : "ipv6,ipv6_src";
      return flow(0, 110, `in_port=${patch},${source}=${formatCidr(cidr)}`, "drop");
    }),
    ...["ip", "ipv6"].flatMap((ip) => [
      flow(0, 100, `in_port=${patch},${ip}`, `${remember(mark.ovn)},output:${uplink}`),
      flow(0, 100, `in_port=LOCAL,${ip}`, `${remember(mark.node)},output:${uplink}`),
      flow(0, 100, `in_port=${uplink},${ip},dl_dst=${mac}`, `ct(zone=${zone},table=1)`),
    ]),
    flow(0, 0, "", "NORMAL"),
    flow(1, 100, `ct_mark=${mark.ovn}`, `output:${patch}`),
    flow(1, 0, "", "LOCAL"),
  ];
  return `${[`delete cookie=${cookie}/-1`, ...ours].join("\n")}\n`;
}

const remember = (value: number): string => `ct(commit,zone=${zone},exec(set_field:${value}->ct_mark))`;

const flow = (table: number, priority: number, match: string, actions: string): string =>
  `add cookie=${cookie},table=${table},priority=${priority}${match && `,${match}`},actions=${actions}`;
