// Which of the addresses on the external bridge is the node's own: the one that tunnels end at and that pods leave with.
// People add addresses to that bridge and take them away again (keepalived, a second network, IPv6 prefixes that are
// renewed), and none of that may change who the node is. So Kubernetes' InternalIP comes first, then what the node has
// been until now, then the oldest address; one that looks like a shared address comes last.

import { type Family, formatIp, type InterfaceAddress, type Ip, parseIp, widthOf } from "../../model/ip.ts";
import type { HostAddress, HostLink } from "./hostState.ts";

export interface Known {
  /** The InternalIPs of the Node. */
  readonly internal: readonly Ip[];
  /** The addresses that the node was last known by. */
  readonly former: readonly Ip[];
}

interface Candidate {
  readonly address: InterfaceAddress;
  readonly info: HostAddress;
  /** 0 is the oldest of its family. */
  readonly age: number;
}

/** At most one address of each family, IPv4 first. */
export function identityOf(bridge: HostLink, { internal, former }: Known): readonly InterfaceAddress[] {
  const isIn = (list: readonly Ip[], { address: { ip } }: Candidate): boolean =>
    list.some((one) => formatIp(one) === formatIp(ip));
  /** The first that is true decides. */
  const merits: readonly ((candidate: Candidate) => boolean)[] = [
    (candidate) => isIn(internal, candidate),
    ({ info }) => !looksShared(info),
    (candidate) => isIn(former, candidate),
  ];
  const mayBe = (candidate: Candidate): boolean => {
    const { dadfailed, tentative, temporary, deprecated } = candidate.info;
    if (dadfailed) return false;
    // Duplicate detection runs again after each loss of carrier; that alone does not change who the node is.
    if (tentative) return isIn(former, candidate);
    return isIn(internal, candidate) || !(temporary || deprecated);
  };
  return ([4, 6] as const).flatMap((family) => {
    const candidates = inAge(bridge, family).filter(mayBe);
    const [best] = candidates.toSorted((a, b) => {
      const decisive = merits.find((merit) => merit(a) !== merit(b));
      if (!decisive) return a.age - b.age;
      return decisive(a) ? -1 : 1;
    });
    return best ? [best.address] : [];
  });
}

/** The kernel lists IPv4 addresses in the order of their arrival, and IPv6 addresses of one scope in the reverse order. */
function inAge(bridge: HostLink, family: Family): readonly Candidate[] {
  const found = bridge.addr_info.flatMap((info) => {
    const address = addressOf(info);
    return address?.ip.family === family && info.scope === "global" ? [{ address, info }] : [];
  });
  const oldestFirst = family === 4 ? found : found.toReversed();
  return oldestFirst.map((one, age) => ({ ...one, age }));
}

/**
 * Whether this is an address that moves between machines, as keepalived and its like make them: alone in its network, and
 * neither from a DHCP server nor one end of a point-to-point link. The label is that of an alias, `br-ex:1`.
 */
const looksShared = ({ local, address, prefixlen, dynamic, label }: HostAddress): boolean =>
  label?.includes(":") === true ||
  (prefixlen === widthOf(local.includes(":") ? 6 : 4) && address === undefined && !dynamic);

/** With the prefix length of its network, which for a point-to-point link is only the address itself. */
export function addressOf({ local, address, prefixlen }: HostAddress): InterfaceAddress | undefined {
  const ip = parseIp(local);
  return ip && { ip, bits: address === undefined ? prefixlen : widthOf(ip.family) };
}
