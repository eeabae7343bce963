// The columns of each table that member facts may fill: sets and maps with members from many owners, and often from
// other writers too. They change by `mutate`, never as a whole. Only what is provably Weft's is removed from them:
// references to Weft's rows, except in groups that others have made, and plain values in Weft's rows. Every other
// column belongs to the one owner that states it in its row fact, and holds exactly what that fact states
// (docs/decisions/0004).

import type { NorthboundTables } from "../ovn/northbound.gen.ts";

type Table = keyof NorthboundTables;
type Row<T extends Table> = NorthboundTables[T]["row"];
type MemberColumn<T extends Table> = {
  [C in keyof Row<T> & string]: Row<T>[C] extends readonly unknown[] | ReadonlyMap<string, string>
    ? C
    : never;
}[keyof Row<T> & string];

const northbound: { readonly [T in Table]?: readonly MemberColumn<T>[] } = {
  Address_Set: ["addresses"],
  Chassis_Template_Var: ["variables"],
  Copp: ["meters"],
  DNS: ["records"],
  HA_Chassis_Group: ["ha_chassis"],
  Load_Balancer_Group: ["load_balancer"],
  Logical_Router: ["ports", "static_routes", "policies", "nat", "load_balancer", "load_balancer_group"],
  Logical_Router_Port: ["gateway_chassis"],
  Logical_Switch: [
    "ports",
    "acls",
    "qos_rules",
    "load_balancer",
    "load_balancer_group",
    "dns_records",
    "forwarding_groups",
  ],
  Port_Group: ["ports", "acls"],
};

const databases: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = new Map([
  ["OVN_Northbound", new Map(Object.entries(northbound))],
]);

/** Tables whose rows refer to rows that exist without them. Another writer may make such a group of Weft's rows. */
const groups: ReadonlySet<string> = new Set<Table>(["Load_Balancer_Group", "Port_Group"]);

export const isGroupTable = (table: string): boolean => groups.has(table);

/** The columns of `table` that member facts may fill. */
export const sharedColumns = (database: string, table: string): readonly string[] =>
  databases.get(database)?.get(table) ?? [];
