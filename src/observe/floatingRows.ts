// What rows prove about floating addresses: whose they are. After a restart they count for more than a status, which somebody
// may have patched.

import { ownership } from "../model/names.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { NATRow, NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";
import { byOwner } from "./byOwner.ts";

/** One for each address of a FloatingAddress that a pod has. */
export interface FloatingRow {
  readonly owner: Owner;
  readonly outer: string;
  /** The pod's own address. */
  readonly inner: string;
}

/** The rows with an address from outside, of an owner, or with a pod's own address. */
export interface FloatingRows {
  at(outer: string): readonly FloatingRow[];
  of(owner: Owner): readonly FloatingRow[];
  to(inner: string): readonly FloatingRow[];
  /** Whether somebody else, such as a cloud's operator, translates the address. */
  isOthers(outer: string): boolean;
}

/** The indexes of NAT that are read here. */
export const floatingIndexes = ["external_ip", "logical_ip"] as const;

export function floatingRows(replica: Replica<NorthboundTables>, { cluster }: Scope): FloatingRows {
  const table = replica.table("NAT");
  const read = (rows: Iterable<NATRow>): readonly FloatingRow[] =>
    [...rows].flatMap((row) => {
      const owner = row.external_ids.get(ownership.owner);
      if (row.type !== "dnat_and_snat" || row.external_ids.get(ownership.cluster) !== cluster) return [];
      return owner === undefined ? [] : [{ owner, outer: row.external_ip, inner: row.logical_ip }];
    });
  return {
    at: (outer) => read(table.by("external_ip", outer)),
    of: (owner) => read(table.by(byOwner, owner)),
    to: (inner) => read(table.by("logical_ip", inner)),
    isOthers: (outer) =>
      table.by("external_ip", outer).some((row) => row.external_ids.get(ownership.cluster) !== cluster),
  };
}

export const isSameTranslation = (old: NATRow, now: NATRow | undefined): boolean =>
  now?.external_ip === old.external_ip && now.logical_ip === old.logical_ip;
