// Which endpoints the virtual addresses of a Service balance over, from the Service's EndpointSlices. The rules are
// kube-proxy's: slices may overlap while endpoints move between them, and a rolling update may leave nothing ready.
//
// Ports times endpoints can be millions from a few hundred kilobytes of objects. So an endpoint is looked at only where
// it is taken, and what is taken is limited (model/limits.ts).

import type { Endpoint, EndpointSlice, Service, ServicePort } from "../kube/objects.ts";
import { isForeign } from "../model/foreign.ts";
import { type Family, formatIp, type Ip, parseIp } from "../model/ip.ts";
import { serviceLimits } from "../model/limits.ts";
import type { Near } from "../model/near.ts";
import { outerCount, outerIpsOf } from "../model/outerAddresses.ts";
import { nearOnes } from "./hints.ts";
import { virtualAddresses } from "./virtualAddresses.ts";

export interface Backend {
  readonly ip: Ip;
  readonly port: number;
}

/** An endpoint's address and port. */
export interface Target extends Backend, Pick<Endpoint, "hints"> {
  /** "" when the endpoint names none. */
  readonly nodeName: string;
}

/** A virtual address, with the endpoints it balances over. */
export interface Vip {
  readonly address: Backend;
  readonly protocol: ServicePort["protocol"];
  readonly targets: readonly Target[];
  /** Only this node's switch has it, because its endpoints are there; undefined when all switches have it. */
  readonly node: string | undefined;
  /** It stands for the node that the client connected to (model/wayIn.ts). */
  readonly isWayIn: boolean;
  /** Only the node's gateway router has it, for what comes from outside the cluster. */
  readonly isOutside: boolean;
  /** Only for clients at this place, who have endpoints of their own; undefined: for everybody else. */
  readonly near: Near | undefined;
}

export interface Balanced {
  readonly vips: readonly Vip[];
  /** What is beyond the limits, for people; undefined when nothing is. */
  readonly leftOut: string | undefined;
  /** Addresses that no endpoint can have, for people; undefined when there are none. */
  readonly malformed: string | undefined;
}

/** The part of one slice that a port can be balanced over. */
interface Source {
  readonly number: number;
  readonly ready: readonly Endpoint[];
  /** Those that still serve while they terminate; asked for only when nothing is ready. */
  readonly leaving: () => readonly Endpoint[];
}

/** A Service that is not served. */
export const nothing: Balanced = { vips: [], leftOut: undefined, malformed: undefined };

/**
 * The virtual addresses of a Service, each with its ready endpoints or, when there are none, those that still serve while
 * they terminate. An endpoint in two slices is ready if one of them says so. A virtual address without endpoints stays,
 * so that OVN rejects the packets sent to it. One that leads to the endpoints of each node is there once for each node that
 * has some; other nodes drop what is sent to it. Does not depend on the order of `slices`.
 */
export function balanced(service: Service, slices: readonly EndpointSlice[]): Balanced {
  if (service.type === "ExternalName" || isForeign(service.labels)) return nothing;
  const ips = service.clusterIps.flatMap((text) => parseIp(text) ?? []);
  const ports = service.ports.slice(0, serviceLimits.ports);
  const families = new Map(
    [...new Set(ips.map(({ family }) => family))].map((family) => [family, slicesOf(slices, family)]),
  );
  const sources = new Map([...families].map(([family, list]) => [family, sourcesByPort(service, list)]));
  const outer = outerIpsOf(service).filter(({ family }) => families.has(family));
  const addresses = virtualAddresses(service, ips, outer, ports);
  const most = shareOf(addresses.length);
  let largest = 0;
  const vips = addresses.flatMap(({ ip, number, port, isLocal, isWayIn, isOutside }) => {
    const { lists, isReady } = listsOf(sources.get(ip.family)?.get(keyOf(port)) ?? [], isLocal);
    const { targets, offered } = spread(lists, ip.family, most);
    if (targets.length === most && offered > most) largest = Math.max(largest, offered);
    const address = { ip, port: number };
    const vip = { address, protocol: port.protocol, isWayIn, isOutside, near: undefined };
    if (isLocal) return onEachNode(vip, targets);
    const near = isReady ? nearOnes(targets) : [];
    return [
      { ...vip, targets, node: undefined },
      ...near.map((one) => ({ ...vip, ...one, node: undefined })),
    ];
  });
  const parts = [
    beyond("ports", serviceLimits.ports, service.ports.length),
    beyond("addresses from outside", serviceLimits.outerAddresses, outerCount(service)),
    beyond("seconds of session affinity", serviceLimits.affinitySeconds, service.affinitySeconds),
    ...[...families].map(([family, list]) =>
      beyond(`EndpointSlices of IPv${family}`, serviceLimits.slices, list.length),
    ),
    largest > 0
      ? `endpoints beyond ${most} for each of its ${addresses.length} pairs of address and port (one has ${largest}), because a Service has at most ${serviceLimits.backends} over all pairs and ${serviceLimits.backendsOfAddress} for one`
      : [],
  ].flat();
  return {
    vips,
    leftOut: parts.length === 0 ? undefined : `left out are ${parts.join("; ")}`,
    malformed: specialText(slices),
  };
}

function specialText(slices: readonly EndpointSlice[]): string | undefined {
  const found = slices.find(({ special }) => special);
  return (
    found &&
    `EndpointSlice ${found.name} has the address ${found.special?.slice(0, 3).join(", ")}, which no endpoint can have; it is left out`
  );
}

/** As OVN writes an address with a port: `10.244.1.5:80`, `[fd00::5]:80`. */
export const formatBackend = ({ ip, port }: Backend): string =>
  ip.family === 4 ? `${formatIp(ip)}:${port}` : `[${formatIp(ip)}]:${port}`;

const beyond = (what: string, most: number, of: number): readonly string[] =>
  of > most ? [`${what} beyond the first ${most} (it has ${of})`] : [];

/** How many endpoints each virtual address may have. It depends on nothing else, so that endpoints come and go alone. */
const shareOf = (vips: number): number =>
  Math.min(serviceLimits.backendsOfAddress, Math.max(1, Math.floor(serviceLimits.backends / vips)));

const slicesOf = (slices: readonly EndpointSlice[], family: Family): readonly EndpointSlice[] =>
  slices
    .filter((slice) => slice.addressType === `IPv${family}` && !isForeign(slice.labels))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

const keyOf = ({ name, protocol }: Pick<ServicePort, "name" | "protocol">): string => `${protocol} ${name}`;

/** Port numbers differ between slices when pods of one Service use one name for different ports. */
function sourcesByPort(
  service: Service,
  slices: readonly EndpointSlice[],
): ReadonlyMap<string, readonly Source[]> {
  const byPort = new Map<string, Source[]>();
  const isReady = ({ ready }: Endpoint): boolean => ready || service.publishNotReadyAddresses;
  for (const { endpoints, ports } of slices.slice(0, serviceLimits.slices)) {
    const ready = distinct(endpoints, isReady);
    let found: readonly Endpoint[] | undefined;
    const leaving = () => (found ??= distinct(endpoints, (one) => one.serving && one.terminating));
    for (const port of ports.slice(0, serviceLimits.ports)) {
      if (port.port === undefined) continue;
      const source = { number: port.port, ready, leaving };
      const key = keyOf(port);
      const known = byPort.get(key);
      if (known) known.push(source);
      else byPort.set(key, [source]);
    }
  }
  return byPort;
}

/** Those that are wanted, each address once for each node that it is reported on, in order, so that equal ones are adjacent. */
function distinct(
  endpoints: readonly Endpoint[],
  isWanted: (endpoint: Endpoint) => boolean,
): readonly Endpoint[] {
  let last: Endpoint | undefined;
  return endpoints.filter((one) => {
    if (!isWanted(one) || one.addresses.length === 0) return false;
    const isNew = one.addresses[0] !== last?.addresses[0] || one.nodeName !== last?.nodeName;
    last = one;
    return isNew;
  });
}

interface List {
  readonly number: number;
  readonly endpoints: readonly Endpoint[];
}

/** `isLocal`: whether anything is ready is asked for each node. */
function listsOf(
  sources: readonly Source[],
  isLocal: boolean,
): { readonly lists: readonly List[]; readonly isReady: boolean } {
  const isReady = sources.some(({ ready }) => ready.length > 0);
  if (isLocal) {
    const served = new Set(sources.flatMap(({ ready }) => ready.map(({ nodeName }) => nodeName)));
    const lists = sources.map(({ number, ready, leaving }) => ({
      number,
      endpoints: [...ready, ...leaving().filter(({ nodeName }) => !served.has(nodeName))],
    }));
    return { lists, isReady };
  }
  const lists = sources.map(({ number, ready, leaving }) => ({
    number,
    endpoints: isReady ? ready : leaving(),
  }));
  return { lists, isReady };
}

/** Once for each node with endpoints; where no node has any, once for all, so that packets are rejected. */
function onEachNode(vip: Omit<Vip, "targets" | "node">, targets: readonly Target[]): readonly Vip[] {
  const byNode = Map.groupBy(
    targets.filter(({ nodeName }) => nodeName !== ""),
    ({ nodeName }) => nodeName,
  );
  if (byNode.size === 0) return vip.isOutside ? [] : [{ ...vip, targets: [], node: undefined }];
  const nodes = [...byNode].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return nodes.map(([node, there]) => ({ ...vip, targets: there, node }));
}

/** At most `most` endpoints, as many from each list as from any other. `offered`: how many there were to choose from. */
function spread(
  lists: readonly List[],
  family: Family,
  most: number,
): { readonly targets: readonly Target[]; readonly offered: number } {
  const targets: Target[] = [];
  /** address -> the targets with it; of nearly every address there is but one */
  const known = new Map<string, Target[]>();
  const longest = Math.max(0, ...lists.map(({ endpoints }) => endpoints.length));
  for (let at = 0; at < longest && targets.length < most; at++)
    for (const { number, endpoints } of lists) {
      const endpoint = endpoints[at];
      if (!endpoint || targets.length === most) continue;
      // All addresses of an endpoint are equivalent, so the first will do (EndpointSlice API).
      const [address = ""] = endpoint.addresses;
      const { nodeName } = endpoint;
      const same = known.get(address);
      if (same?.some((target) => target.port === number && target.nodeName === nodeName)) continue;
      const ip = parseIp(address);
      if (ip?.family !== family) continue;
      const target = { ip, port: number, nodeName, ...(endpoint.hints && { hints: endpoint.hints }) };
      targets.push(target);
      if (same) same.push(target);
      else known.set(address, [target]);
    }
  return {
    targets,
    offered: lists.reduce((sum, { endpoints }) => sum + endpoints.length, 0),
  };
}
