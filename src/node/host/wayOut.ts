// Where packets for the outside go: the next hops of the best default route through the external bridge, several when
// the route has several (ECMP). Other ways are left alone, and `remarks` says so.

import { type Family, type Ip, parseIp } from "../../model/ip.ts";
import type { DefaultRoute, HostState } from "./hostState.ts";

export interface WayOut {
  readonly nextHops: readonly Ip[];
  /** Sentences about what an operator might expect and Weft does not do. */
  readonly remarks: readonly string[];
}

/** The preferences of router advertisements (RFC 4191), best first. */
const preferences = ["high", "medium", "low"];

export function wayOut(
  state: Pick<HostState, "routes4" | "routes6">,
  bridge: string,
  families: readonly Family[],
): WayOut {
  const each = families.map((family) =>
    wayOutOf(family === 4 ? state.routes4 : state.routes6, bridge, family),
  );
  return {
    nextHops: each.flatMap(({ nextHops }) => nextHops),
    remarks: each.flatMap(({ remarks }) => remarks),
  };
}

function wayOutOf(routes: readonly DefaultRoute[], bridge: string, family: Family): WayOut {
  // `toSorted` is stable, so routes of equal rank stay in the kernel's order.
  const ranked = routes
    .filter(({ type }) => type === "unicast")
    .toSorted((a, b) => a.metric - b.metric || preferences.indexOf(a.pref) - preferences.indexOf(b.pref));
  const hops = ranked.map((route) => hopsThrough(route, bridge));
  const usable = hops.find((some) => some.some((hop) => gatewayOf(hop, family) !== undefined));
  const nextHops = new Map(
    (usable ?? []).flatMap((hop) => gatewayOf(hop, family) ?? []).map((ip) => [ip.value, ip] as const),
  );
  return {
    nextHops: [...nextHops.values()].toSorted((a, b) => (a.value < b.value ? -1 : 1)),
    remarks: usable ? [] : [whyNone(hops.flat(), ranked, bridge, family)],
  };
}

type Hop = DefaultRoute["nexthops"][number];

/** The kernel marks next hops that it does not use now. */
const hopsThrough = (route: DefaultRoute, bridge: string): readonly Hop[] =>
  (route.nexthops.length > 0 ? route.nexthops : [route]).filter(
    ({ dev, flags }) => dev === bridge && !flags.includes("dead"),
  );

function gatewayOf({ gateway }: Hop, family: Family): Ip | undefined {
  const ip = parseIp(gateway ?? "");
  return ip?.family === family ? ip : undefined;
}

function whyNone(
  hops: readonly Hop[],
  routes: readonly DefaultRoute[],
  bridge: string,
  family: Family,
): string {
  const consequence = `pods reach only the network of ${bridge} over IPv${family}`;
  const [hop] = hops;
  if (hop?.via) {
    return `the next hop ${hop.via.host} of the default route is not an address of IPv${family}: ${consequence}`;
  }
  if (hop) {
    return `the IPv${family} default route through ${bridge} names no gateway: ${consequence}; add one: ip route replace default via GATEWAY dev ${bridge}`;
  }
  const others = [
    ...new Set(routes.flatMap((route) => [route, ...route.nexthops]).flatMap(({ dev }) => dev ?? [])),
  ];
  const where = others.length > 0 ? `, only through ${others.join(", ")}` : "";
  return `there is no IPv${family} default route through ${bridge}${where}: ${consequence}`;
}

/** Rules and tables that only the node's own traffic follows. */
export function ruleRemarks({ rules }: Pick<HostState, "rules">): readonly string[] {
  const tables = rules.flatMap(({ table = "another table" }) => table);
  const own = [...new Set(tables)].filter((table) => !["local", "main", "default"].includes(table));
  if (own.length === 0) return [];
  return [
    `the node's routing rules (table ${own.join(", ")}) do not apply to pods, which leave by the main table's default route`,
  ];
}
