// The rules by which a node is its pods' gateway (`--gateway local`), as lines of the table in firewall.ts. Pods' packets to the
// outside come from OVN by the management port, the host's routing decides where they leave, and they get the address of the
// interface that they leave by.
//
// Nothing depends on every packet being translated: translation is for connections that the kernel knows, and some packets
// belong to none. What still has a pod's source after it is dropped, whichever interface it would leave by. Tunnel packets are
// dropped as well, because behind the node's address another node would take them for the node's own.

import { type Cidr, contains, type Family, formatCidr, hostCidrOf } from "../../model/ip.ts";
import { innerAddress } from "../../model/wayIn.ts";
import { genevePort } from "./bridgeFlows.ts";

export interface HostGateway {
  /** The node's own. */
  readonly subnets: readonly Cidr[];
  /** All pods' ranges. */
  readonly pods: readonly Cidr[];
  /** The cluster's other ranges: what goes there has no business outside. */
  readonly others: readonly Cidr[];
  /** Where pods are known by their own addresses. */
  readonly direct: readonly Cidr[];
}

/** Before the rules that drop all that comes from the management port. */
export const leaveRules = (device: string): readonly string[] => [
  `iifname "${device}" oifname != "${device}" jump leave`,
];

/**
 * Before the rule that gives everything to pods the management address: clients that the node leads in to a pod or an endpoint of
 * its own keep theirs. The answers come back here anyway, and the pod's switch does not take them for the node
 * (plan/ownNode.ts), since they come in by the router.
 */
export const keptSourceRules = (device: string, gateway: HostGateway): readonly string[] =>
  families(gateway).flatMap((family) => {
    const { ip, pods, own, direct } = rangesOf(gateway, family);
    const inner = hostCidrOf(innerAddress(family, "this node"));
    return [
      `oifname "${device}" ct status dnat ${ip} saddr != ${set(pods)} ${ip} daddr ${set([...own, inner])} fib saddr type != local accept`,
      ...(direct.length > 0
        ? [`oifname "${device}" ${ip} saddr ${set(direct)} ${ip} daddr ${set(pods)} accept`]
        : []),
    ];
  });

/** Chains of their own. */
export const hostGatewayChains = (device: string, gateway: HostGateway): readonly string[] => [
  "chain leave {",
  `  udp dport ${genevePort} drop`,
  ...families(gateway).flatMap((family) => {
    const { ip, pods, own, others, direct } = rangesOf(gateway, family);
    return [
      `  ${ip} daddr ${set([...pods, ...others])} return`,
      // Whether or not the kernel knows the connection: the question may have come by another node.
      ...(direct.length > 0 ? [`  ${ip} saddr ${set(own)} ${ip} daddr ${set(direct)} accept`] : []),
      `  ${ip} saddr ${set(own)} ct state { new, established, related } accept`,
    ];
  }),
  "}",
  "chain translate {",
  "  type nat hook postrouting priority srcnat; policy accept;",
  ...families(gateway).map((family) => {
    const { ip, own, direct } = rangesOf(gateway, family);
    return `  oifname != "${device}" ${ip} saddr ${set(own)}${except(ip, direct)} masquerade`;
  }),
  "}",
  "chain untranslated {",
  "  type filter hook postrouting priority srcnat + 1; policy accept;",
  ...families(gateway).map((family) => {
    const { ip, pods, direct } = rangesOf(gateway, family);
    return `  oifname != "${device}" ${ip} saddr ${set(pods)}${except(ip, direct)} drop`;
  }),
  "}",
];

const families = ({ subnets }: HostGateway): readonly Family[] => subnets.map(({ ip }) => ip.family);

function rangesOf({ subnets, pods, others, direct }: HostGateway, family: Family) {
  const of = (list: readonly Cidr[]) => list.filter(({ ip }) => ip.family === family);
  return {
    ip: family === 4 ? "ip" : "ip6",
    ...{ own: of(subnets), pods: of(pods), others: of(others), direct: of(direct) },
  };
}

const except = (ip: string, ranges: readonly Cidr[]): string =>
  ranges.length > 0 ? ` ${ip} daddr != ${set(ranges)}` : "";

/** nft refuses ranges inside of others. */
function set(ranges: readonly Cidr[]): string {
  const outer = ranges.filter(
    (one, at) =>
      !ranges.some(
        (other, index) =>
          index !== at &&
          contains(other, one.ip) &&
          (other.bits < one.bits || (other.bits === one.bits && index < at)),
      ),
  );
  return `{ ${outer.map(formatCidr).join(", ")} }`;
}
