// What leads from a Service's addresses from outside to it. Pure. A router outside sends their packets to any node, so nobody's
// interface has them.

import type { Service } from "../../kube/objects.ts";
import { isForeign } from "../../model/foreign.ts";
import { type Cidr, contains, formatIp, type Ip, parseIp } from "../../model/ip.ts";
import { serviceLimits } from "../../model/limits.ts";
import { guardedIpsOf, outerIpsOf } from "../../model/outerAddresses.ts";
import { lowerCase } from "../../model/protocol.ts";
import { innerAddress, reachOf } from "../../model/wayIn.ts";
import type { Door } from "./doors.ts";

/** Only clients in `ranges` may use the door. */
export interface Guard {
  readonly protocol: Door["protocol"];
  readonly at: Ip;
  readonly port: number;
  readonly ranges: readonly Cidr[];
}

export interface Outer {
  readonly doors: readonly Door[];
  readonly guards: readonly Guard[];
  /** All addresses from outside that Services have: what is sent to another port of them must not leave the node again. */
  readonly addresses: readonly Ip[];
}

/** As nftables writes it: the address, if there is one, the protocol and the port. */
export const guardKey = ({ at, protocol, port }: Pick<Door, "at" | "protocol" | "port">): string =>
  [...(at ? [formatIp(at)] : []), protocol, port].join(" . ");

/** Of two Services with one address and port the first by name has it. `throughHost`: the host is the pods' gateway. */
export function outerOf(services: Iterable<Service>, throughHost = false): Outer {
  const doors = new Map<string, readonly Door[]>();
  const guards = new Map<string, Guard>();
  const addresses = new Map<string, Ip>();
  for (const service of [...services].toSorted(byName)) {
    if (isForeign(service.labels)) continue;
    const guarded = new Set(guardedIpsOf(service).map(formatIp));
    for (const at of outerIpsOf(service)) {
      addresses.set(formatIp(at), at);
      for (const door of doorsAt(service, at)) {
        const key = guardKey(door);
        if (doors.has(key)) continue;
        doors.set(key, throughHost ? [door, ...clientDoors(service, door)] : [door]);
        const { protocol, port } = door;
        const ranges = outermost(service.balancer?.sourceRanges ?? [], at);
        if (guarded.has(formatIp(at))) guards.set(key, { protocol, at, port, ranges });
      }
    }
  }
  return {
    doors: [...doors.values()].flat(),
    guards: [...guards.values()],
    addresses: [...addresses.values()],
  };
}

function doorsAt(service: Service, at: Ip): readonly (Door & { readonly at: Ip })[] {
  const to = service.clusterIps
    .flatMap((text) => parseIp(text) ?? [])
    .find(({ family }) => family === at.family);
  if (!to) return [];
  const reach = reachOf(service);
  return service.ports.slice(0, serviceLimits.ports).map(({ protocol, port, nodePort }) => ({
    ...{ protocol: lowerCase[protocol], at, port, isOuter: true },
    // Where inside each node has its own endpoints only, all of them are behind the node port's address.
    ...(reach === "everywhere" && nodePort !== undefined
      ? { to: innerAddress(at.family, reach), toPort: nodePort }
      : { to, toPort: port }),
    // What comes from outside the gateway router leads to the node's own endpoints; the node itself may use any.
    ...{ keepsClient: reach === "this node", isForOwn: reach === "this node" },
  }));
}

/**
 * What comes from outside for a node's own endpoints, and not by the gateway router. They are behind the node port's address; so
 * a Service without node ports has no such door.
 */
function clientDoors(service: Service, door: Door & { readonly at: Ip }): readonly Door[] {
  const { nodePort } =
    service.ports.find(({ protocol, port }) => lowerCase[protocol] === door.protocol && port === door.port) ??
    {};
  if (!door.keepsClient || nodePort === undefined) return [];
  return [{ ...door, to: innerAddress(door.at.family, "this node"), toPort: nodePort, isForOwn: false }];
}

/** Those of the address's family that are in no other one. */
const outermost = (ranges: readonly Cidr[], { family }: Ip): readonly Cidr[] => {
  const sorted = ranges.filter(({ ip }) => ip.family === family).toSorted((a, b) => a.bits - b.bits);
  return sorted.filter((range, at) => !sorted.slice(0, at).some((wider) => contains(wider, range.ip)));
};

const byName = (a: Service, b: Service): number =>
  `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
