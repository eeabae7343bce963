// The flows of the external bridge for ports whose servers see the client's own address: what comes from outside for the
// address that the node shares with its gateway router goes to that router, which leads it to the node's own endpoints and
// gets their answers back. The other flows of the bridge are in host/bridgeFlows.ts. Where the host is the pods' gateway, answers
// go to the host, and so everything comes in by its kernel.

import { formatCidr, formatIp, type Ip } from "../../model/ip.ts";
import { fromOvn } from "../host/bridgeFlows.ts";
import type { Door } from "./doors.ts";
import type { Float } from "./floats.ts";
import { guardKey, type Outer } from "./outerDoors.ts";

/** "win" behind the "weft" of bridgeFlows.ts, so that each replaces its own. */
export const wayInCookie = "0x7765667477696e";

export interface SharedBridge {
  /** The socket of the bridge for ovs-ofctl. */
  readonly socket: string;
  readonly mac: string;
  readonly uplinks: readonly number[];
  /** The action that sends towards the network. */
  readonly out: string;
  readonly patch: number;
  /** The addresses that the node shares with its gateway router. */
  readonly shared: readonly Ip[];
  /** The host is the pods' gateway. */
  readonly throughHost?: boolean;
}

/** A bundle that takes them away in one step. */
export const noWayInFlows = (): string => `delete cookie=${wayInCookie}/-1\n`;

/** A bundle that replaces our old flows with the new ones in one step. */
export function wayInFlows(
  { mac, uplinks, patch, shared, throughHost }: SharedBridge,
  doors: readonly Door[],
  { guards, addresses }: Pick<Outer, "guards" | "addresses">,
  floats: readonly Float[] = [],
): string {
  const entrances = ({ at, isOuter, to }: Door): readonly Ip[] => {
    if (at && isOuter) return [at];
    return shared.filter((ip) => ip.family === to.family && (at === undefined || at.value === ip.value));
  };
  // Packets of clients that a guard does not allow go to the kernel like everything else, and it drops them. To Open vSwitch a
  // source of /0 is no condition, so it is not written: equal flows have equal texts.
  const sources = (door: Door): readonly string[] =>
    guards
      .find((guard) => guardKey(guard) === guardKey(door))
      ?.ranges.map((range) =>
        range.bits === 0 ? "" : `,${field("src", range.ip)}=${formatCidr(range)}`,
      ) ?? [""];
  const flows = doors
    .filter(({ keepsClient }) => keepsClient && !throughHost)
    .flatMap((door) =>
      entrances(door).flatMap((ip) =>
        sources(door).flatMap((source) => {
          const protocol = ip.family === 4 ? door.protocol : `${door.protocol}6`;
          const match = `dl_dst=${mac},${protocol},${field("dst", ip)}=${formatIp(ip)}${source},tp_dst=${door.port}`;
          return uplinks.map((uplink) =>
            flow(110, `in_port=${uplink},${match}`, `${fromOvn},output:${patch}`),
          );
        }),
      ),
    );
  // What no balancer took would come back from the router outside, for ever.
  const stray = addresses.map((ip) =>
    flow(
      110,
      `in_port=${patch},${ip.family === 4 ? "ip" : "ipv6"},${field("dst", ip)}=${formatIp(ip)}`,
      "drop",
    ),
  );
  // Above the flows for tunnels: whatever comes for a pod's address is for the pod.
  const floating = (throughHost ? [] : floats).flatMap(({ outer: ip }) =>
    uplinks.map((uplink) =>
      flow(
        510,
        `in_port=${uplink},dl_dst=${mac},${ip.family === 4 ? "ip" : "ipv6"},${field("dst", ip)}=${formatIp(ip)}`,
        `output:${patch}`,
      ),
    ),
  );
  return [noWayInFlows(), ...[...flows, ...stray, ...floating].map((line) => `${line}\n`)].join("");
}

const field = (end: "src" | "dst", { family }: Ip): string => `${family === 4 ? "nw" : "ipv6"}_${end}`;

const flow = (priority: number, match: string, actions: string): string =>
  `add cookie=${wayInCookie},table=0,priority=${priority},${match},actions=${actions}`;
