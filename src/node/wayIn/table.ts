// The nftables table that leads from the node's own addresses to Services and pods, as `nft -f` reads it: one look-up for what
// comes in by any interface and for what the node's own processes send, and before it one for ports at a certain address. It
// replaces itself in one step; connections that have been translated stay as they are. Sets say `typeof` and not `type`:
// the host may have an older nft than the image, and nft before 1.1.2 crashes when it reads a set of a simple type that a
// newer one wrote (nftables commit be737a1986bf).

import { type Family, formatCidr, formatIp, type Ip } from "../../model/ip.ts";
import type { Door } from "./doors.ts";
import type { Float } from "./floats.ts";
import { type Guard, guardKey, type Outer } from "./outerDoors.ts";

/** Of the family inet. */
export const wayInTable = "weft_way_in";

export interface WayInRules extends Pick<Outer, "guards" | "addresses"> {
  /** The node's own addresses. */
  readonly hosts: readonly Ip[];
  readonly doors: readonly Door[];
  readonly floats?: readonly Float[];
  /** Where the host is the pods' gateway: the interface by which pods' packets come to it. */
  readonly podsComeBy?: string | undefined;
  /**
   * The interface towards OVN, where nothing else makes the node the source of packets: what came in there leaves there
   * again. There the kernel must not send redirects to the sender either.
   */
  readonly masquerade: string | undefined;
}

export function wayInRules(rules: WayInRules): string {
  const { hosts, doors, floats = [], guards, addresses, masquerade, podsComeBy } = rules;
  const families = ([4, 6] as const).filter((family) =>
    [...doors.map(({ to }) => to), ...addresses].some((ip) => ip.family === family),
  );
  const lines = [
    ...families.flatMap((family) => {
      const there = doors.filter(({ to }) => to.family === family);
      return [
        ...block(
          `set hosts${family}`,
          addressesOf(family),
          hosts.filter((ip) => ip.family === family).map(formatIp),
        ),
        ...mapsOf(family).flatMap(({ name, has, isExact }) =>
          block(
            `map ${name}`,
            `type ${isExact ? `${typeOf(family)} . ` : ""}inet_proto . inet_service : ${typeOf(family)} . inet_service`,
            there.filter(has).map((door) => `${guardKey(door)} : ${formatIp(door.to)} . ${door.toPort}`),
          ),
        ),
        ...floatMap(family, floats),
      ];
    }),
    ...(addresses.length === 0 ? [] : families.flatMap((family) => outerSets(family, addresses, guards))),
    "  chain enter {",
    ...families.flatMap((family) => {
      const ip = ipOf(family);
      return [
        ...(hasFloats(family, floats) ? [`    dnat ${ip} to ${ip} daddr map @floating${family}`] : []),
        `    dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @exact${family}`,
        `    ${ip} daddr @hosts${family} dnat ${ip} to meta l4proto . th dport map @ports${family}`,
      ];
    }),
    "  }",
    ...chain("prerouting", "nat hook prerouting priority dstnat", ["jump enter"]),
    ...chain("output", "nat hook output priority -100", [
      ...families.map(
        (family) =>
          `${canLeave(family)}dnat ${ipOf(family)} to ${ipOf(family)} daddr . meta l4proto . th dport map @own${family}`,
      ),
      "jump enter",
    ]),
    ...(podsComeBy === undefined ? [] : floatsOut(families, floats, podsComeBy)),
    ...(addresses.length === 0 ? [] : keptOut(families)),
    ...(masquerade === undefined
      ? []
      : sameWayOut(families, masquerade, addresses.length === 0 ? ["hosts"] : ["hosts", "outer"])),
  ];
  return `table inet ${wayInTable}
delete table inet ${wayInTable}
table inet ${wayInTable} {
${lines.join("\n")}
}
`;
}

interface PortMap {
  readonly name: string;
  readonly has: (door: Door) => boolean;
  /** The key begins with the address. */
  readonly isExact: boolean;
}

const mapsOf = (family: Family): readonly PortMap[] => [
  { name: `ports${family}`, has: ({ at }) => at === undefined, isExact: false },
  { name: `exact${family}`, has: ({ at, isForOwn }) => at !== undefined && !isForOwn, isExact: true },
  { name: `own${family}`, has: ({ isForOwn }) => isForOwn, isExact: true },
];

/** The kernel lets no packet from ::1 out of the host, and has no `route_localnet` for IPv6: the sender would wait. */
const canLeave = (family: Family): string => (family === 6 ? "ip6 saddr != ::1 " : "");

const hasFloats = (family: Family, floats: readonly Float[]): boolean =>
  floats.some(({ inner }) => inner?.family === family);

/** Whole addresses, whatever the protocol. */
const floatMap = (family: Family, floats: readonly Float[]): readonly string[] =>
  hasFloats(family, floats)
    ? block(
        `map floating${family}`,
        `${addressesOf(family)} : ${ipOf(family)} daddr`,
        floats.flatMap(({ outer, inner }) =>
          inner?.family === family ? [`${formatIp(outer)} : ${formatIp(inner)}`] : [],
        ),
      )
    : [];

/** What a pod with a floating address sends has it as its source, before anything else may translate it. */
function floatsOut(
  families: readonly Family[],
  floats: readonly Float[],
  podsComeBy: string,
): readonly string[] {
  const there = families.filter((family) => hasFloats(family, floats));
  if (there.length === 0) return [];
  return chain(
    "floatsout",
    "nat hook postrouting priority srcnat - 1",
    there.map((family) => {
      const pairs = new Map(
        floats.flatMap(({ outer, inner }) =>
          inner?.family === family ? [[formatIp(inner), formatIp(outer)] as const] : [],
        ),
      );
      const map = [...pairs].map(([inner, outer]) => `${inner} : ${outer}`).join(", ");
      const ip = ipOf(family);
      return `oifname != "${podsComeBy}" snat ${ip} to ${ip} saddr map { ${map} }`;
    }),
  );
}

function outerSets(family: Family, addresses: readonly Ip[], guards: readonly Guard[]): readonly string[] {
  const type = typeOf(family);
  const there = guards.filter(({ at }) => at.family === family);
  return [
    ...block(
      `set outer${family}`,
      addressesOf(family),
      addresses.filter((ip) => ip.family === family).map(formatIp),
    ),
    ...block(`set guarded${family}`, `type ${type} . inet_proto . inet_service`, there.map(guardKey)),
    ...block(
      `set allowed${family}`,
      `type ${type} . inet_proto . inet_service . ${type}; flags interval`,
      there.flatMap((guard) => guard.ranges.map((range) => `${guardKey(guard)} . ${formatCidr(range)}`)),
    ),
  ];
}

/** Clients that a Service's source ranges do not allow; and packets that would go back and forth forever. */
function keptOut(families: readonly Family[]): readonly string[] {
  const guarded = families.map((family) => {
    const to = `${ipOf(family)} daddr . meta l4proto . th dport`;
    return `${to} @guarded${family} ${to} . ${ipOf(family)} saddr != @allowed${family} drop`;
  });
  const stray = families.map((family) => `${ipOf(family)} daddr @outer${family} drop`);
  return [
    ...chain("guard", "filter hook prerouting priority dstnat - 1", guarded),
    ...chain("guardown", "filter hook output priority -101", guarded),
    ...chain("stray", "filter hook forward priority filter", stray),
  ];
}

function sameWayOut(families: readonly Family[], device: string, sets: readonly string[]): readonly string[] {
  const translated = families.flatMap((family) =>
    sets.map(
      (set) =>
        `oifname "${device}" ct status dnat ct original ${ipOf(family)} daddr @${set}${family} masquerade`,
    ),
  );
  return [
    ...chain("postrouting", "nat hook postrouting priority srcnat", translated),
    ...chain("advice", "filter hook output priority filter", [
      `oifname "${device}" icmp type redirect drop`,
      `oifname "${device}" icmpv6 type nd-redirect drop`,
    ]),
  ];
}

const chain = (name: string, hook: string, rules: readonly string[]): readonly string[] => [
  `  chain ${name} {`,
  `    type ${hook}; policy accept;`,
  ...rules.map((rule) => `    ${rule}`),
  "  }",
];

const block = (name: string, type: string, elements: readonly string[]): readonly string[] => [
  `  ${name} {`,
  `    ${type}`,
  ...(elements.length > 0 ? [`    elements = { ${elements.join(",\n      ")} }`] : []),
  "  }",
];

const addressesOf = (family: Family): string => `typeof ${ipOf(family)} daddr`;
const typeOf = (family: Family): string => (family === 4 ? "ipv4_addr" : "ipv6_addr");
const ipOf = (family: Family): string => (family === 4 ? "ip" : "ip6");
