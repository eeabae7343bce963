// Which groups of policies the northbound database has a port in. The members of a group have no rows of their own, so
// only the groups' rows show what is left of a port's earlier pod.

import { formatIp, type Ip } from "../model/ip.ts";
import { ownership } from "../model/names.ts";
import { parseOwner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import type { AddressSetRow, LogicalSwitchPortRow, PortGroupRow } from "../ovn/northbound.gen.ts";
import { memberLookup } from "../ovsdb/index.ts";

/** A logical switch port and its addresses. */
export interface PortPlace {
  readonly name: string;
  readonly addresses: readonly Ip[];
}

/** What is read of the database: all rows of two tables. */
export interface GroupRows {
  readonly portGroups: Iterable<Pick<PortGroupRow, "_uuid" | "name" | "ports" | "external_ids">>;
  readonly addressSets: Iterable<Pick<AddressSetRow, "_uuid" | "name" | "addresses" | "external_ids">>;
}

/** Ids of groups, by what policies do with their members. */
export interface GroupIds {
  readonly subject: ReadonlySet<string>;
  /** The group, with those of the port's addresses that are in it. */
  readonly peer: ReadonlyMap<string, readonly Ip[]>;
}

/**
 * Whether the database has the port in the port groups of these subjects, and its addresses in the sets of these peers,
 * and in no others.
 */
export function isExactlyIn(
  { portGroups, addressSets }: GroupRows,
  { cluster, names }: Scope,
  { name, addresses }: PortPlace,
  { subject, peer }: GroupIds,
): boolean {
  const port = rowUuid(cluster, "Logical_Switch_Port", name);
  const wanted = new Set([...subject].map((id) => names.subjects(id)));
  for (const [id, there] of peer)
    for (const ip of there) wanted.add(`${names.peers(id, ip.family)} ${formatIp(ip)}`);
  const found: string[] = [];
  for (const row of portGroups)
    if (isGroup(row, cluster, "subject") && memberLookup(row, "ports")(port) !== undefined)
      found.push(row.name);
  for (const row of addressSets) {
    if (!isGroup(row, cluster, "peer")) continue;
    const has = memberLookup(row, "addresses");
    for (const ip of addresses.map(formatIp)) if (has(ip) !== undefined) found.push(`${row.name} ${ip}`);
  }
  return found.length === wanted.size && found.every((one) => wanted.has(one));
}

/** What is read of the database: rows by their UUIDs. */
export interface GroupLookup {
  readonly portGroup: (uuid: string) => Pick<PortGroupRow, "_uuid" | "ports"> | undefined;
  readonly addressSet: (uuid: string) => Pick<AddressSetRow, "_uuid" | "addresses"> | undefined;
  readonly hasPort: (uuid: string) => boolean;
}

/** Whether the database has the group, with each of these members whose port exists. */
export function hasMembers(
  { portGroup, addressSet, hasPort }: GroupLookup,
  { cluster, names }: Scope,
  role: keyof GroupIds,
  id: string,
  members: Iterable<PortPlace>,
): boolean {
  const ports = portGroup(rowUuid(cluster, "Port_Group", names.subjects(id)));
  const sets = ([4, 6] as const).map((family) =>
    addressSet(rowUuid(cluster, "Address_Set", names.peers(id, family))),
  );
  const hasInGroup = ports && memberLookup(ports, "ports");
  const [hasFour, hasSix] = sets.map((row) => row && memberLookup(row, "addresses"));
  if (role === "subject" ? !hasInGroup : !hasFour || !hasSix) return false;
  for (const { name, addresses } of members) {
    const port = rowUuid(cluster, "Logical_Switch_Port", name);
    if (!hasPort(port)) continue;
    const isIn =
      role === "subject"
        ? hasInGroup?.(port) !== undefined
        : addresses.every((ip) => (ip.family === 4 ? hasFour : hasSix)?.(formatIp(ip)) !== undefined);
    if (!isIn) return false;
  }
  return true;
}

/** A port that is in a group itself or by one of its addresses. */
export interface GroupedPort {
  readonly name: string;
  /** As text. */
  readonly addresses: readonly string[];
}

/** Those of the ports that are in any group of subjects or peers. */
export function* groupedPorts(
  { portGroups, addressSets }: GroupRows,
  { cluster }: Scope,
  ports: Iterable<Pick<LogicalSwitchPortRow, "_uuid" | "name" | "addresses">>,
): Generator<GroupedPort> {
  const [members, addresses] = [new Set<string>(), new Set<string>()];
  for (const row of portGroups)
    if (isGroup(row, cluster, "subject")) for (const port of row.ports) members.add(port);
  for (const row of addressSets)
    if (isGroup(row, cluster, "peer")) for (const address of row.addresses) addresses.add(address);
  if (members.size + addresses.size === 0) return;
  for (const { _uuid: uuid, name, addresses: texts } of ports) {
    const own = texts.flatMap((text) => text.split(" ").slice(1));
    if (members.has(uuid) || own.some((ip) => addresses.has(ip))) yield { name, addresses: own };
  }
}

/** Whether the row is a group of this cluster that policies use in one of these roles. */
export function isGroup(
  { external_ids: ids }: { readonly external_ids: ReadonlyMap<string, string> },
  cluster: string,
  ...roles: readonly string[]
): boolean {
  if (ids.get(ownership.cluster) !== cluster) return false;
  return roles.includes(parseOwner(ids.get(ownership.owner) ?? "").kind);
}
