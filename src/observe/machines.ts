// What a northbound database tells about a tenant's machines: which port a network card belongs to, which switches a
// router joins, which ports are nested in which. Updated row by row, because a cloud's database may hold far more than
// ours.

import { Multimap } from "../model/multimap.ts";
import { ownership } from "../model/names.ts";
import type { LogicalSwitchPortRow, LogicalSwitchRow, NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Change, Replica } from "../ovsdb/index.ts";

export class Machines {
  readonly #cluster: string;
  /** MAC -> uuids of the ports that have it */
  readonly #byMac = new Multimap<string, string>();
  /** name of a router's port -> uuids of the switch ports that face it */
  readonly #byRouterPort = new Multimap<string, string>();
  /** name of a port -> uuids of other people's ports nested in it */
  readonly #byParent = new Multimap<string, string>();
  /** uuid of a switch port -> uuid of its switch */
  readonly #switchOf = new Map<string, string>();
  readonly #replica: Replica<NorthboundTables>;

  /** The replica need not be synced yet: pass its changes to `take`. */
  constructor(replica: Replica<NorthboundTables>, cluster: string) {
    this.#replica = replica;
    this.#cluster = cluster;
    for (const row of replica.table("Logical_Switch_Port").values()) this.#port(undefined, row);
    for (const row of replica.table("Logical_Switch").values()) this.#switch(undefined, row);
  }

  take(change: Change<NorthboundTables>): void {
    if (change.table === "Logical_Switch_Port") this.#port(change.old, change.new);
    if (change.table === "Logical_Switch") this.#switch(change.old, change.new);
  }

  /** Machines' ports that have `mac`, each with its switch. */
  withMac(mac: string): readonly { readonly port: LogicalSwitchPortRow; readonly on: string }[] {
    return this.#ports(this.#byMac.get(mac)).flatMap((port) => {
      const on = this.#switchOf.get(port._uuid);
      return on === undefined ? [] : [{ port, on }];
    });
  }

  /** The uuid of the switch that has the port. */
  switchOf(port: string): string | undefined {
    return this.#switchOf.get(port);
  }

  /** Uuids of the switches that face one of these router ports. */
  facing(routerPorts: readonly string[]): ReadonlySet<string> {
    return new Set(this.portsFacing(routerPorts).flatMap((uuid) => this.#switchOf.get(uuid) ?? []));
  }

  /** Uuids of the ports of switches that face one of these router ports. */
  portsFacing(routerPorts: readonly string[]): readonly string[] {
    return routerPorts.flatMap((name) => [...this.#byRouterPort.get(name)]);
  }

  /** Other people's ports nested in the port called `parent`. */
  nestedIn(parent: string): readonly LogicalSwitchPortRow[] {
    return this.#ports(this.#byParent.get(parent));
  }

  isOwn(row: Pick<LogicalSwitchRow, "external_ids">): boolean {
    return row.external_ids.get(ownership.cluster) === this.#cluster;
  }

  #ports(uuids: ReadonlySet<string>): readonly LogicalSwitchPortRow[] {
    return [...uuids].flatMap((uuid) => this.#replica.table("Logical_Switch_Port").get(uuid) ?? []);
  }

  #port(old: LogicalSwitchPortRow | undefined, now: LogicalSwitchPortRow | undefined): void {
    if (old) this.#file(old, "delete");
    if (now) this.#file(now, "add");
  }

  #file(row: LogicalSwitchPortRow, how: "add" | "delete"): void {
    if (this.isOwn(row)) return;
    const routerPort = row.options.get("router-port");
    if (row.type === "router" && routerPort !== undefined) this.#byRouterPort[how](routerPort, row._uuid);
    if (row.parent_name !== undefined && row.parent_name !== "")
      this.#byParent[how](row.parent_name, row._uuid);
    else if (row.type === "") for (const mac of macsOf(row)) this.#byMac[how](mac, row._uuid);
  }

  #switch(old: LogicalSwitchRow | undefined, now: LogicalSwitchRow | undefined): void {
    // A port that moves may have been seen on its new switch already: a transaction's changes come in any order.
    for (const port of old?.ports ?? [])
      if (this.#switchOf.get(port) === old?._uuid) this.#switchOf.delete(port);
    for (const port of now?.ports ?? []) if (now) this.#switchOf.set(port, now._uuid);
  }
}

/** Addresses of a port, as OVN writes them: a MAC and IP addresses, or words such as `unknown`. */
export const addressesOf = (row: LogicalSwitchPortRow): readonly string[] =>
  [...row.addresses, row.dynamic_addresses ?? ""].map((text) => text.toLowerCase());

const macsOf = (row: LogicalSwitchPortRow): ReadonlySet<string> =>
  new Set(addressesOf(row).flatMap((text) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(text)?.[0] ?? []));
