// Ranges of pods, Services and OVN's inner routers that the node already uses for something else: of two routes the
// more specific one wins, so packets would not reach Weft.

import { contains, formatCidr, formatIp, overlaps, parseCidr, parseIp, widthOf } from "../model/ip.ts";
import { onNode } from "../model/names.ts";
import { type Finding, fine } from "./finding.ts";
import type { NodeFacts } from "./nodeFacts.ts";
import type { NodeIntent } from "./nodeIntent.ts";

interface Range {
  readonly what: string;
  readonly flag: string;
  readonly cidr: NonNullable<ReturnType<typeof parseCidr>>;
}

export const rangesOf = ({ network }: Pick<NodeIntent, "network">): readonly Range[] => [
  ...network.pods.map(({ cidr }) => ({ what: "pods", flag: "--cluster-cidr", cidr })),
  ...network.services.map((cidr) => ({ what: "Services", flag: "--service-cidr", cidr })),
  ...network.join.map((cidr) => ({ what: "OVN's routers", flag: "--join-cidr", cidr })),
];

export function overlapFindings(facts: NodeFacts, intent: NodeIntent): readonly Finding[] {
  const ranges = rangesOf(intent);
  const found = [...addressOverlaps(facts, ranges), ...routeOverlaps(facts, ranges)];
  if (found.length > 0) return found;
  return [
    fine(
      `no address or route in ${ranges.map(({ cidr }) => formatCidr(cidr)).join(", ")}`,
      "ip address, ip route",
    ),
  ];
}

function addressOverlaps({ host }: NodeFacts, ranges: readonly Range[]): readonly Finding[] {
  return host.links
    .filter(({ ifname }) => ifname !== onNode.managementInterface)
    .flatMap(({ ifname, addr_info: infos }) =>
      infos.flatMap(({ local, prefixlen }) => {
        const ip = parseIp(local);
        const range = ip && ranges.find(({ cidr }) => contains(cidr, ip));
        // NodeLocal DNS and IPVS put single addresses of Services on a node.
        if (!range || (range.flag === "--service-cidr" && prefixlen === widthOf(ip.family))) return [];
        return [
          {
            severity: "refusal" as const,
            what: `${ifname} has ${formatIp(ip)}/${prefixlen}, which is in the range ${formatCidr(range.cidr)} of ${range.what}`,
            where: `ip address show dev ${ifname}`,
            why: "what the cluster sends there goes to this interface and not to Weft",
            mend: `choose another ${range.flag}, or remove what made ${ifname}: ip link delete ${ifname}`,
          },
        ];
      }),
    );
}

/** A route of the node that is wider than the range does no harm: Weft's own are more specific. */
function routeOverlaps({ routes }: NodeFacts, ranges: readonly Range[]): readonly Finding[] {
  return routes
    .filter(({ device }) => device !== onNode.managementInterface)
    .flatMap(({ destination, device }) => {
      const cidr = parseCidr(
        destination.includes("/") ? destination : `${destination}/${destination.includes(":") ? 128 : 32}`,
      );
      const range = cidr && ranges.find((each) => overlaps(each.cidr, cidr) && cidr.bits >= each.cidr.bits);
      if (!cidr || !range) return [];
      return [
        {
          severity: "refusal" as const,
          what: `a route to ${destination} lies in the range ${formatCidr(range.cidr)} of ${range.what}`,
          where: `ip route show ${destination} (dev ${device})`,
          why:
            range.flag === "--join-cidr"
              ? "OVN's routers have these addresses, so pods cannot reach what is there"
              : "it is more specific than Weft's, so packets for the cluster leave by it",
          mend: `choose another ${range.flag}, or remove the route: ip route delete ${destination} dev ${device}`,
        },
      ];
    });
}
