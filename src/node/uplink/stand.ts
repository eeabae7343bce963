// What an interface carries of the node's network, as `ip -json` tells it: MAC, addresses, routes; and the text for `ip
// -batch` that gives all of it to another interface. Whatever was moved can be moved back, because it is the same text.

import * as v from "valibot";
import type { Run } from "../host/run.ts";

const flag = v.optional(v.boolean(), false);
const address = v.object({
  family: v.picklist(["inet", "inet6"]),
  local: v.string(),
  /** The other end of a point-to-point link. */
  address: v.optional(v.string()),
  prefixlen: v.number(),
  broadcast: v.optional(v.string()),
  scope: v.string(),
  label: v.optional(v.string()),
  metric: v.optional(v.number()),
  dynamic: flag,
  temporary: flag,
  noprefixroute: flag,
});
const link = v.object({
  ifname: v.string(),
  address: v.optional(v.string(), ""),
  mtu: v.number(),
  flags: v.array(v.string()),
  /** What it is a part of: a bond, a bridge, a VRF, a bridge of Open vSwitch. */
  master: v.optional(v.string()),
  linkinfo: v.optional(
    v.object({ info_kind: v.optional(v.string()), info_slave_kind: v.optional(v.string()) }),
    {},
  ),
  addr_info: v.optional(v.array(address), []),
});
const hop = v.object({
  gateway: v.optional(v.string()),
  via: v.optional(v.object({ family: v.string(), host: v.string() })),
  dev: v.optional(v.string()),
  weight: v.optional(v.number()),
  flags: v.optional(v.array(v.string()), []),
});
const route = v.object({
  ...hop.entries,
  type: v.optional(v.string(), "unicast"),
  dst: v.string(),
  table: v.optional(v.string(), "main"),
  protocol: v.optional(v.string()),
  scope: v.optional(v.string()),
  prefsrc: v.optional(v.string()),
  metric: v.optional(v.number()),
  pref: v.optional(v.string()),
  metrics: v.optional(v.array(v.record(v.string(), v.unknown())), []),
  nexthops: v.optional(v.array(hop), []),
});

export type StandLink = v.InferOutput<typeof link>;
export type StandAddress = v.InferOutput<typeof address>;
export type StandRoute = v.InferOutput<typeof route> & { readonly family: "-4" | "-6" };

/** Without what the kernel makes by itself: link-local addresses, and the routes that follow from addresses. */
export interface Stand {
  readonly device: string;
  readonly mac: string;
  readonly mtu: number;
  readonly addresses: readonly StandAddress[];
  readonly routes: readonly StandRoute[];
}

export async function readLinks(run: Run): Promise<readonly StandLink[]> {
  return v.parse(v.array(link), JSON.parse(await run(["ip", "-json", "-details", "address", "show"])));
}

export async function readStand(
  run: Run,
  { ifname, address: mac, mtu, addr_info: infos }: StandLink,
): Promise<Stand> {
  const lists = await Promise.all(
    (["-4", "-6"] as const).map(async (family) => {
      // A kernel without IPv6 refuses to list anything of it.
      const printed = await run(["ip", "-json", "-N", family, "route", "show", "table", "all"]).catch(
        () => "",
      );
      return v.parse(v.array(route), JSON.parse(printed || "[]")).map((each) => ({ ...each, family }));
    }),
  );
  const addresses = infos.filter(({ scope, family }) => !(family === "inet6" && scope === "link"));
  const routes = lists
    .flat()
    .filter(({ dev, nexthops }) => dev === ifname || nexthops.some((each) => each.dev === ifname))
    .filter((each) => !isTheKernels(each));
  return { device: ifname, mac, mtu, addresses, routes };
}

/** Numbers of rtnetlink(7): table 255 is local; protocol 2 is the kernel's own; types beyond 1 are no way anywhere. */
const isTheKernels = ({ table, protocol, type, dst }: Omit<StandRoute, "family">): boolean =>
  table === "255" ||
  (type !== "unicast" && type !== "1") ||
  (protocol === "2" && !dst.startsWith("default")) ||
  dst.startsWith("ff00::/8");

/** Takes the stand's addresses, and with them its routes, from `from`, and gives them to `to`. Repeatable with `ip -force`. */
export function moveBatch({ addresses, routes }: Stand, from: string, to: string): string {
  const lines = [
    `link set dev ${to} up`,
    ...addresses.map((each) => `address delete ${prefix(each)} dev ${from}`),
    ...addresses.map((each) => `address replace ${addressText(each, to)}`),
    // Those that lead to gateways come before those that need the gateways.
    ...routes
      .toSorted((a, b) => Number(needsGateway(a)) - Number(needsGateway(b)))
      .map((each) => routeText(each, from, to)),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const prefix = ({ local, address: peer, prefixlen }: StandAddress): string =>
  peer === undefined ? `${local}/${prefixlen}` : `${local} peer ${peer}/${prefixlen}`;

const addressText = (each: StandAddress, device: string): string =>
  [
    prefix(each),
    ...(each.broadcast === undefined ? [] : ["broadcast", each.broadcast]),
    "dev",
    device,
    ...(each.family === "inet" ? ["scope", each.scope] : ["nodad"]),
    // A label begins with the name of its interface (ip-address(8)).
    ...(each.label?.includes(":") ? ["label", each.label.replace(/^[^:]*/, device)] : []),
    ...(each.metric === undefined ? [] : ["metric", String(each.metric)]),
    ...(each.noprefixroute ? ["noprefixroute"] : []),
  ].join(" ");

const needsGateway = ({ gateway, via, nexthops }: StandRoute): boolean =>
  gateway !== undefined || via !== undefined || nexthops.length > 0;

function routeText(each: StandRoute, from: string, to: string): string {
  const text = (name: string, value: string | number | undefined): readonly string[] =>
    value === undefined ? [] : [name, String(value)];
  const metrics = each.metrics.flatMap(Object.entries).map(([name, value]) => `${name} ${String(value)}`);
  return [
    "route replace",
    // In a batch, `ip` takes the family from the destination.
    each.family === "-6" && each.dst === "default" ? "::/0" : each.dst,
    ...(each.nexthops.length > 0
      ? each.nexthops.flatMap((one) => ["nexthop", ...hopText(one, from, to), ...text("weight", one.weight)])
      : hopText(each, from, to)),
    ...text("table", each.table),
    ...text("proto", each.protocol),
    ...(each.family === "-4" ? text("scope", each.scope) : []),
    ...text("src", each.prefsrc),
    ...text("metric", each.metric),
    ...(each.family === "-6" ? text("pref", each.pref) : []),
    ...metrics,
  ].join(" ");
}

const hopText = (
  { gateway, via, dev, flags }: Pick<StandRoute, "gateway" | "via" | "dev" | "flags">,
  from: string,
  to: string,
): readonly string[] => [
  ...(gateway === undefined ? [] : ["via", gateway]),
  ...(via === undefined ? [] : ["via", via.family, via.host]),
  "dev",
  dev === from ? to : (dev ?? to),
  ...(flags.includes("onlink") ? ["onlink"] : []),
];
