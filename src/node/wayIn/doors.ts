// Which ports of the node are Services', and where each leads. Pure. Those of pods are in podDoors.ts, and those at addresses
// that are not the node's in outerDoors.ts.

import type { Service } from "../../kube/objects.ts";
import { isForeign } from "../../model/foreign.ts";
import { type Ip, parseIp } from "../../model/ip.ts";
import { serviceLimits } from "../../model/limits.ts";
import { lowerCase } from "../../model/protocol.ts";
import { innerAddress, reachOf } from "../../model/wayIn.ts";

/** A port that leads elsewhere. */
export interface Door {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Undefined: each of the node's own addresses of the family of `to`. */
  readonly at: Ip | undefined;
  readonly port: number;
  /** What the kernel translates it to. */
  readonly to: Ip;
  readonly toPort: number;
  /** The server must see the client's own address, so packets from outside must not be translated by the kernel. */
  readonly keepsClient: boolean;
  /** The kernel leads only what the node's own processes send. */
  readonly isForOwn: boolean;
  /** `at` is not the node's own address. */
  readonly isOuter: boolean;
}

/**
 * In the order of protocols and ports. Two Services cannot have the same port; if their objects say so, the first by
 * name has it.
 */
export function doorsOf(services: Iterable<Service>): readonly Door[] {
  const doors = new Map<string, Door>();
  for (const service of [...services].toSorted(byName)) {
    if (isForeign(service.labels) || service.type === "ExternalName") continue;
    for (const door of doorsOfService(service)) {
      const key = `${door.to.family} ${door.protocol} ${String(door.port).padStart(5, "0")}`;
      if (!doors.has(key)) doors.set(key, door);
    }
  }
  return [...doors].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, door]) => door);
}

function doorsOfService(service: Service): readonly Door[] {
  const reach = reachOf(service);
  const addresses = service.clusterIps.flatMap((text) => parseIp(text) ?? []);
  return service.ports.slice(0, serviceLimits.ports).flatMap(({ protocol, port, nodePort }) =>
    nodePort === undefined
      ? []
      : addresses.map((address) => ({
          protocol: lowerCase[protocol],
          at: undefined,
          port: nodePort,
          to: reach === "as inside" ? address : innerAddress(address.family, reach),
          toPort: reach === "as inside" ? port : nodePort,
          keepsClient: reach === "this node",
          isForOwn: false,
          isOuter: false,
        })),
  );
}

const byName = (a: Service, b: Service): number =>
  `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
