// Services with the same address from outside. Even where no annotation allows that (model/sharing.ts), another
// controller may cause it, or it may be so for a moment. Then the first Service by name gets the port of the address,
// in OVN and on the nodes alike (node/wayIn/outerDoors.ts).

import type { Service } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import { isForeign } from "../model/foreign.ts";
import { formatIp } from "../model/ip.ts";
import { announcersOf, outerIpsOf } from "../model/outerAddresses.ts";
import { portText } from "../model/sharing.ts";
import type { Vip } from "../plan/endpoints.ts";

export interface Share {
  /** Without the announcements that an earlier Service makes for both. */
  readonly service: Service;
  readonly vips: readonly Vip[];
  /** What another Service has, for people; undefined when nothing is lost. */
  readonly taken: string | undefined;
}

export function shareOf(service: Service, vips: readonly Vip[], services: Stores["Service"]): Share {
  const lost = new Map<string, string>();
  const announced = new Set<string>();
  for (const ip of outerIpsOf(service).map(formatIp))
    for (const other of servicesAt(ip, services)) {
      if (!isBefore(other, service)) continue;
      if (announcersOf(other).some((one) => one.ip === ip)) announced.add(ip);
      for (const port of other.ports.map(portText)) lost.set(`${ip} ${port}`, nameOf(other));
    }
  if (lost.size === 0) return { service, vips, taken: undefined };
  const own = service.ports.map(portText);
  const outer = new Set(outerIpsOf(service).map(formatIp));
  const kept = vips.filter(({ address, protocol }) => {
    const ip = formatIp(address.ip);
    return !(outer.has(ip) && lost.has(`${ip} ${portText({ protocol, port: address.port })}`));
  });
  const [first] = [...lost].filter(([key]) => own.includes(key.slice(key.indexOf(" ") + 1)));
  return {
    service: { ...service, announcers: announcersOf(service).filter(({ ip }) => !announced.has(ip)) },
    vips: kept,
    taken:
      first &&
      `${first[0].split(" ").join(", ")}, leads to Service ${first[1]}, which has this address and port too; change the address or the port of one of them`,
  };
}

/** The others that a change of a Service gives a port of their address, or takes one from. */
export const othersAt = (sides: readonly Service[], services: Stores["Service"]): readonly Service[] =>
  sides.flatMap((service) => outerIpsOf(service).flatMap((ip) => servicesAt(formatIp(ip), services)));

const servicesAt = (ip: string, services: Stores["Service"]): readonly Service[] =>
  [...services.by("ingressIp", ip), ...services.by("externalIp", ip)].filter(
    (one) => !isForeign(one.labels) && outerIpsOf(one).some((own) => formatIp(own) === ip),
  );

const isBefore = (a: Service, b: Service): boolean => a.uid !== b.uid && nameOf(a) < nameOf(b);

const nameOf = ({ namespace, name }: Service): string => `${namespace}/${name}`;
