// The annotations through which the controller and the agents tell each other their decisions, in ovn-kubernetes'
// formats. Anyone who may edit a Node or Pod can write them, so they are treated as hostile until parsed: a parser
// returns a complete value or undefined, never half a value.

import * as v from "valibot";
import {
  type Cidr,
  formatCidr,
  formatIp,
  type InterfaceAddress,
  type Ip,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
} from "../model/ip.ts";
import { isMac } from "../model/mac.ts";
import { annotations } from "../model/names.ts";
import { firstPodOffset, type GatewayConfig, nodeIds, type PodNetwork } from "../model/network.ts";
import { linePattern, type PoolOffer, type PoolPort, type PoolSeen, tags } from "../model/pool.ts";

/** A string that `parse` understands, replaced by what it returns. */
const parsed = <T>(parse: (text: string) => T | undefined) =>
  v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: "malformed" });
      return NEVER;
    }),
  );

const ip = parsed(parseIp);
const interfaceAddress = parsed(parseInterfaceAddress);
/** A network, written without host bits. */
const network = parsed((text) => {
  const cidr = parseCidr(text);
  return cidr && formatCidr(cidr) === text ? cidr : undefined;
});
const mac = v.pipe(v.string(), v.toLowerCase(), v.check(isMac));
/** A list with at most one entry of each address family. */
const onePerFamily = <T extends Ip | Cidr | InterfaceAddress>(item: v.GenericSchema<string, T>) =>
  v.pipe(
    v.array(item),
    v.check((list) => new Set(list.map(familyOf)).size === list.length),
  );
const familyOf = (item: Ip | Cidr | InterfaceAddress) => ("ip" in item ? item.ip.family : item.family);

const wholeNumber = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const line = v.pipe(v.string(), v.regex(linePattern));
const generation = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const offset = wholeNumber(firstPodOffset, 2 ** 24);

const podNetworks = v.object({
  default: v.object({
    ip_addresses: v.pipe(onePerFamily(interfaceAddress), v.minLength(1)),
    mac_address: mac,
    gateway_ips: v.optional(onePerFamily(ip), []),
  }),
});
const nodeSubnets = v.object({
  default: v.pipe(onePerFamily(network), v.minLength(1)),
});
const gatewayConfig = v.object({
  default: v.object({
    mode: v.picklist(["shared", "local"]),
    "mac-address": mac,
    "ip-addresses": v.pipe(onePerFamily(interfaceAddress), v.minLength(1)),
    "next-hops": v.pipe(v.array(ip), v.maxLength(64)),
    mtu: v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(65535)),
  }),
});

const hostCidrs = v.pipe(v.array(interfaceAddress), v.maxLength(1000));

/** `[offset]`, or `[offset, tag]` of a nested port. */
const poolPort = v.pipe(
  v.union([v.strictTuple([offset]), v.strictTuple([offset, wholeNumber(tags.first, tags.last)])]),
  v.transform(([place, tag]): PoolPort => ({ offset: place, tag })),
);
const pool = v.pipe(
  v.object({
    line,
    from: generation,
    generation,
    asked: generation,
    open: v.array(poolPort),
    closed: v.array(poolPort),
    withdrawn: v.array(poolPort),
  }),
  v.check(({ open, closed, withdrawn }) => {
    const ports = [...open, ...closed, ...withdrawn];
    const places = new Set(ports.map((port) => port.offset));
    const ownTags = ports.flatMap(({ tag }) => tag ?? []);
    return places.size === ports.length && new Set(ownTags).size === ownTags.length;
  }),
);
const poolSeen = v.object({ line, generation, used: v.array(offset), spent: v.array(offset) });

/** Weft's annotations, key ▶ value, as a patch writes them. */
export type AnnotationValues = Readonly<Record<string, string>>;

type Annotated = { readonly annotations: AnnotationValues };

export function podNetworkOf(pod: Annotated): PodNetwork | undefined {
  const value = read(podNetworks, pod.annotations[annotations.podNetworks])?.default;
  if (!value) return undefined;
  // Copies, because the parser's arrays have room for 16 more, and every pod's are kept.
  return { addresses: [...value.ip_addresses], mac: value.mac_address, gateways: [...value.gateway_ips] };
}

/** As ovn-kubernetes prints it: with the singular keys only for a single address. */
export function podNetworkAnnotation({ addresses, mac: macAddress, gateways }: PodNetwork): AnnotationValues {
  const [address, second] = addresses;
  const [gateway] = gateways;
  const value = {
    ip_addresses: addresses.map(formatCidr),
    mac_address: macAddress,
    gateway_ips: gateways.map(formatIp),
    ...(address && !second && { ip_address: formatCidr(address) }),
    ...(gateway && !second && { gateway_ip: formatIp(gateway) }),
  };
  return { [annotations.podNetworks]: JSON.stringify({ default: value }) };
}

export const nodeSubnetsOf = (node: Annotated): readonly Cidr[] | undefined =>
  read(nodeSubnets, node.annotations[annotations.nodeSubnets])?.default;

export const nodeSubnetsAnnotation = (subnets: readonly Cidr[]): AnnotationValues => ({
  [annotations.nodeSubnets]: JSON.stringify({ default: subnets.map(formatCidr) }),
});

export function nodeIdOf(node: Annotated): number | undefined {
  const text = node.annotations[annotations.nodeId] ?? "";
  const id = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0;
  return id >= nodeIds.first && id <= nodeIds.last ? id : undefined;
}

export const nodeIdAnnotation = (id: number): AnnotationValues => ({ [annotations.nodeId]: String(id) });

/** The node's `system-id`. It becomes a chassis name in OVN, so only characters that such names have are accepted. */
export function chassisIdOf(node: Annotated): string | undefined {
  const text = node.annotations[annotations.nodeChassisId] ?? "";
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text) ? text : undefined;
}

export const chassisIdAnnotation = (chassisId: string): AnnotationValues => ({
  [annotations.nodeChassisId]: chassisId,
});

/** The chassis id that the controller does not accept from the node. */
export const refusedChassisOf = (node: Annotated): string | undefined =>
  node.annotations[annotations.refusedChassis] || undefined;

/** Undefined when none is refused any more. */
export const refusedChassisAnnotation = (chassisId: string | undefined): AnnotationValues => ({
  [annotations.refusedChassis]: chassisId ?? "",
});

export function gatewayConfigOf(node: Annotated): GatewayConfig | undefined {
  const value = read(gatewayConfig, node.annotations[annotations.gatewayConfig])?.default;
  return (
    value && {
      mac: value["mac-address"],
      addresses: value["ip-addresses"],
      nextHops: value["next-hops"],
      mtuBytes: value.mtu,
      ...(value.mode === "local" && { throughHost: true as const }),
    }
  );
}

/** `bridge` and `uplink` are for people who read the annotation; Weft does not read them back. */
export const gatewayConfigAnnotation = (
  config: GatewayConfig,
  { bridge, uplink }: { readonly bridge: string; readonly uplink: string },
): AnnotationValues => ({
  [annotations.gatewayConfig]: JSON.stringify({
    default: {
      mode: config.throughHost ? "local" : "shared",
      "bridge-id": bridge,
      "interface-id": uplink,
      "mac-address": config.mac,
      "ip-addresses": config.addresses.map(formatCidr),
      "next-hops": config.nextHops.map(formatIp),
      mtu: config.mtuBytes,
    },
  }),
});

/** All addresses of the node, on whatever interface. */
export const hostCidrsOf = (node: Annotated): readonly InterfaceAddress[] =>
  read(hostCidrs, node.annotations[annotations.hostCidrs]) ?? [];

export const hostCidrsAnnotation = (hosts: readonly InterfaceAddress[]): AnnotationValues => ({
  [annotations.hostCidrs]: JSON.stringify(hosts.map(formatCidr)),
});

export const poolOfferOf = (node: Annotated): PoolOffer | undefined =>
  read(pool, node.annotations[annotations.pool]);

export const poolOfferAnnotation = (offer: PoolOffer): AnnotationValues => {
  const { line, from, generation, asked, open, closed, withdrawn } = offer;
  const pairs = (ports: readonly PoolPort[]) =>
    ports
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ offset, tag }) => (tag === undefined ? [offset] : [offset, tag]));
  const ports = { open: pairs(open), closed: pairs(closed), withdrawn: pairs(withdrawn) };
  const value = { line, from, generation, asked, ...ports };
  return { [annotations.pool]: JSON.stringify(value) };
};

export const poolSeenOf = (node: Annotated): PoolSeen | undefined =>
  read(poolSeen, node.annotations[annotations.poolSeen]);

export const poolSeenAnnotation = ({ line, generation, used, spent }: PoolSeen): AnnotationValues => {
  const sorted = (offsets: readonly number[]) => offsets.toSorted((a, b) => a - b);
  const value = { line, generation, used: sorted(used), spent: sorted(spent) };
  return { [annotations.poolSeen]: JSON.stringify(value) };
};

function read<S extends v.GenericSchema>(schema: S, text: string | undefined): v.InferOutput<S> | undefined {
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const result = v.safeParse(schema, json);
  return result.success ? result.output : undefined;
}
