// Removes a pod's entries from the datapath's connection tracker. They could outlive the pod: a UDP client that keeps
// sending never lets its entry expire. (OVN itself flushes entries to former endpoints of a Service.) Open vSwitch
// 3.1 and later accept partial tuples in both directions and search all zones (dpctl(8), flush-conntrack).

import type { Log } from "../../kube/clock.ts";
import { formatIp, type Ip } from "../../model/ip.ts";
import { controlSocket, unixctl } from "./unixctl.ts";

/**
 * Partial tuples of the direction in which the connection was opened, and of its replies. Each names the protocol:
 * without it Open vSwitch 3.1 takes a tuple that has only an IPv6 address for an empty one, and flushes everything or
 * crashes.
 */
export type Match = readonly [original: string] | readonly [original: string, reply: string];

const udp = "ct_nw_proto=17";

/**
 * Connections that `ip` opened, and those that ended at it, translated or not. Only UDP: other protocols' entries end
 * when the next owner of the address rejects a connection it does not know.
 */
export const withEnd = (ip: Ip): readonly Match[] => [
  [`${field("src", ip)},${udp}`],
  [udp, `${field("src", ip)},${udp}`],
];

/**
 * Connections with this end, whichever end counts as the opener: if only answers were tracked, it is the end that
 * answered. Only UDP.
 */
export const withUdpPort = (ip: Ip, port: number): readonly Match[] =>
  (["src", "dst"] as const).map((end) => [`${field(end, ip)},${udp},ct_tp_${end}=${port}`]);

/**
 * Connections that were opened to `ip`, and those whose answers come to it. Of each protocol that OVN translates, so that
 * none goes on with a translation that is no longer meant.
 */
export function withAddress(ip: Ip): readonly Match[] {
  const to = field("dst", ip);
  return [6, 17, 132, ip.family === 4 ? 1 : 58].flatMap((number): readonly Match[] => {
    const protocol = `ct_nw_proto=${number}`;
    return [[`${to},${protocol}`], [protocol, `${to},${protocol}`]];
  });
}

/** Removes matching entries from the datapath of the vswitchd that runs in `runDirectory`. */
export async function flushConntrack(runDirectory: string, matches: readonly Match[]): Promise<void> {
  const socket = await controlSocket(runDirectory, "ovs-vswitchd");
  for (const match of matches) await unixctl(socket, "dpctl/flush-conntrack", match);
}

export type Flush = (matches: readonly Match[]) => Promise<void>;

/** Does not reject: a failed flush leaves a stale entry behind, and the caller could not do anything about it. */
export const flusherOf =
  (runDirectory: string, log: Log): Flush =>
  (matches) =>
    flushConntrack(runDirectory, matches).catch((error: unknown) =>
      log("warn", "connections were not flushed", { error }),
    );

const field = (end: "src" | "dst", ip: Ip): string =>
  `${ip.family === 4 ? "ct_nw" : "ct_ipv6"}_${end}=${formatIp(ip)}`;
