// Logical switch ports of machines that are not the cluster's, by name. Only the port's owner writes its row: Weft reads the
// addresses there, and refers to it from groups of its own.

import { type Ip, parseIp } from "../model/ip.ts";
import { ownership } from "../model/names.ts";
import type { LogicalSwitchPortRow } from "../ovn/northbound.gen.ts";
import { addressesOf } from "./machines.ts";

export type MachinePort =
  | { readonly ref: LogicalSwitchPortRow["_uuid"]; readonly addresses: readonly Ip[] }
  /** Why policies cannot name this port, for people. */
  | { readonly problem: string };

/**
 * The port `name`, whose row is `row`. `isOnNetwork`: whether its switch is one that policies of this cluster may be about.
 */
export function machinePortOf(row: LogicalSwitchPortRow | undefined, isOnNetwork: boolean): MachinePort {
  if (!row) return { problem: "does not exist in the northbound database" };
  if (row.external_ids.has(ownership.cluster))
    return { problem: "is a port that Weft made; pods take profiles by annotation" };
  if (row.type !== "") return { problem: `is of type ${row.type}, so not a machine's` };
  if (!isOnNetwork) return { problem: "is on no network of the tenant's router" };
  const words = addressesOf(row).flatMap((text) => text.split(" ").slice(1));
  const addresses = [...new Set(words)].flatMap((word) => parseIp(word) ?? []);
  if (addresses.length > 0) return { ref: row._uuid, addresses };
  return {
    problem: "has no address in its row, by which others could know it; its owner has to write it there",
  };
}
