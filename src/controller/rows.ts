// What the rows of this cluster tell before any plan: which addresses its ports hold, for an address is free only when
// no row has it, and whose the rows are.

import { RowAddresses } from "../decide/rows.ts";
import type { Owner } from "../model/fact.ts";
import { ownership } from "../model/names.ts";
import type { LogicalSwitchPortRow, NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";

/** The addresses of all port rows of `cluster`, kept up to date until `stop` is called. The replica must be synced. */
export function followRows(
  replica: Replica<NorthboundTables>,
  cluster: string,
): { readonly rows: RowAddresses; readonly stop: () => void } {
  const rows = new RowAddresses();
  const isOurs = (row: LogicalSwitchPortRow): boolean => row.external_ids.get(ownership.cluster) === cluster;
  const put = (row: LogicalSwitchPortRow): void => {
    if (isOurs(row)) rows.set(row._uuid, row.name, row.addresses);
  };
  for (const row of replica.table("Logical_Switch_Port").values()) put(row);
  const stop = replica.subscribe((changes) => {
    for (const change of changes) {
      if (change.table !== "Logical_Switch_Port") continue;
      rows.delete(change.uuid);
      if (change.new) put(change.new);
    }
  });
  return { rows, stop };
}

/** Everybody who has a row in the database. */
export function ownersOfRows(replica: Replica<NorthboundTables>, cluster: string): ReadonlySet<Owner> {
  const owners = new Set<Owner>();
  for (const table of replica.tables) {
    for (const { external_ids: ids } of replica.table(table).values()) {
      const owner = ids instanceof Map && ids.get(ownership.cluster) === cluster && ids.get(ownership.owner);
      if (typeof owner === "string") owners.add(owner);
    }
  }
  return owners;
}
