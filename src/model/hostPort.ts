// Ports of a node that lead to pods. A node's kernel and its balancer in OVN must agree on which pod has a port, so the
// agent and the plan both use these functions.

import type { Ip } from "./ip.ts";
import { hostPortLimit } from "./limits.ts";
import type { Protocol } from "./protocol.ts";

/** A container's port that the pod asks for on its node. */
export interface HostPort {
  readonly protocol: Protocol;
  readonly hostPort: number;
  /** The container's own. */
  readonly port: number;
  /** Only at this address of the node, or at all of its family if it is 0.0.0.0 or ::. Absent: at all of both families. */
  readonly hostIp?: Ip;
}

/** A pod that asks for ports of its node. */
export interface PortSeeker {
  readonly namespace: string;
  readonly name: string;
  /** Those that its kubelet reports. */
  readonly podIps: readonly string[];
  readonly hostPorts?: readonly HostPort[];
}

export interface Share {
  readonly held: readonly HostPort[];
  /** What others have, each with its holder in words. */
  readonly lost: readonly { readonly port: HostPort; readonly to: string }[];
}

/** Whether `port` is open at that address of its node. */
export const isOpenAt = ({ hostIp }: HostPort, ip: Ip): boolean =>
  hostIp === undefined || (hostIp.family === ip.family && (hostIp.value === 0n || hostIp.value === ip.value));

/** The loopback addresses at which the node's own processes also reach a host port: 127.0.0.1 and ::1. */
export const loopbacks: readonly Ip[] = [
  { family: 4, value: 0x7f000001n },
  { family: 6, value: 1n },
];

export const isLoopback = ({ family, value }: Ip): boolean =>
  loopbacks.some((ip) => ip.family === family && ip.value === value);

/**
 * Which pod of a node has which of its ports, by `namespace/name`. A node port belongs to its Service, which `nodePort`
 * names for people. The scheduler never puts two pods with the same port on one node. If somebody bypasses it, a
 * running pod wins over one that its kubelet has not admitted yet (and will refuse for that reason); then the first by
 * name.
 */
export function sharesOf(
  pods: Iterable<PortSeeker>,
  nodePort: (protocol: Protocol, port: number) => string | undefined,
): ReadonlyMap<string, Share> {
  const shares = new Map<string, Share>();
  /** protocol and number -> who has it where */
  const taken = new Map<string, { readonly port: HostPort; readonly by: string }[]>();
  const named = [...pods].map((pod) => [`${pod.namespace}/${pod.name}`, pod] as const);
  const runs = ({ podIps }: PortSeeker): number => (podIps.length > 0 ? 0 : 1);
  const inOrder = named.toSorted(([a, one], [b, other]) => runs(one) - runs(other) || (a < b ? -1 : 1));
  for (const [name, { hostPorts = [] }] of inOrder) {
    const held: HostPort[] = [];
    const lost: Share["lost"][number][] = [];
    for (const port of hostPorts.slice(0, hostPortLimit)) {
      const key = hostPortKey(port);
      const others = taken.get(key) ?? [];
      const to =
        nodePort(port.protocol, port.hostPort) ?? others.find((other) => doMeet(other.port, port))?.by;
      if (to !== undefined) {
        lost.push({ port, to });
        continue;
      }
      held.push(port);
      taken.set(key, [...others, { port, by: `pod ${name}` }]);
    }
    shares.set(name, { held, lost });
  }
  return shares;
}

/** `TCP 8080` */
export const hostPortKey = ({ protocol, hostPort }: Pick<HostPort, "protocol" | "hostPort">): string =>
  `${protocol} ${hostPort}`;

/** Whether there is an address at which both are open. */
const doMeet = (a: HostPort, b: HostPort): boolean =>
  a.hostIp === undefined || b.hostIp === undefined || isOpenAt(a, b.hostIp) || isOpenAt(b, a.hostIp);
