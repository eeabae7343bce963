// The flows of the external bridge for ports whose servers see the client's own address: what comes from outside for the
// address that the node shares with its gateway router goes to that router, which leads it to the node's own endpoints and
// gets their answers back. The other flows of the bridge are in host/bridgeFlows.ts.

import { formatIp, type Ip } from "../../model/ip.ts";
import { fromOvn } from "../host/bridgeFlows.ts";
import type { Door } from "./doors.ts";

/** "win" behind the "weft" of bridgeFlows.ts, so that each replaces its own. */
export const wayInCookie = "0x7765667477696e";

export interface SharedBridge {
  /** The socket of the bridge for ovs-ofctl. */
  readonly socket: string;
  readonly mac: string;
  readonly uplinks: readonly number[];
  readonly patch: number;
  /** The addresses that the node shares with its gateway router. */
  readonly shared: readonly Ip[];
}

/** A bundle that takes them away in one step. */
export const noWayInFlows = (): string => `delete cookie=${wayInCookie}/-1\n`;

/** A bundle that replaces our old flows with the new ones in one step. */
export function wayInFlows({ mac, uplinks, patch, shared }: SharedBridge, doors: readonly Door[]): string {
  const flows = doors
    .filter(({ keepsClient }) => keepsClient)
    .flatMap(({ protocol, at, port, to }) =>
      shared
        .filter((ip) => ip.family === to.family && (at === undefined || at.value === ip.value))
        .flatMap((ip) => {
          const match =
            ip.family === 4 ? `${protocol},nw_dst=${formatIp(ip)}` : `${protocol}6,ipv6_dst=${formatIp(ip)}`;
          return uplinks.map(
            (uplink) =>
              `add cookie=${wayInCookie},table=0,priority=110,in_port=${uplink},dl_dst=${mac},${match},tp_dst=${port},actions=${fromOvn},output:${patch}`,
          );
        }),
    );
  return [noWayInFlows(), ...flows.map((flow) => `${flow}\n`)].join("");
}
