// What closes a pod's port without Weft, by one transaction each: an ACL, and a member of the address set of one.

import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { type InsertOf, type Session, Transaction } from "../../src/ovsdb/index.ts";

/** A way to close the port, and to open it again. */
export interface Way {
  readonly close: () => Promise<unknown>;
  readonly open: () => Promise<unknown>;
}

export interface Target {
  /** The row of its switch. */
  readonly nodeSwitch: string;
  readonly portName: string;
  /** Its address of IPv4. */
  readonly address: string;
}

/** Beyond Weft's own. */
const priority = 2_000;

const dropping = (match: string): InsertOf<NorthboundTables, "ACL"> => ({
  direction: "to-lport",
  priority,
  match,
  action: "drop",
});

export function byAcl(session: Session, { nodeSwitch, portName }: Target): Way {
  const acl = crypto.randomUUID();
  const tx = (): Transaction<NorthboundTables> => new Transaction(northbound);
  return {
    close: () =>
      session.transact(
        tx()
          .insert("ACL", dropping(`outport == "${portName}" && ip`), acl)
          .mutateSet("Logical_Switch", nodeSwitch, "acls", "insert", [acl]),
      ),
    open: () => session.transact(tx().mutateSet("Logical_Switch", nodeSwitch, "acls", "delete", [acl])),
  };
}

export async function byAddressSet(session: Session, { nodeSwitch, address }: Target): Promise<Way> {
  const [set, acl] = [crypto.randomUUID(), crypto.randomUUID()];
  const tx = (): Transaction<NorthboundTables> => new Transaction(northbound);
  await session.transact(
    tx()
      .insert("Address_Set", { name: "by_hand" }, set)
      .insert("ACL", dropping("ip4.dst == $by_hand"), acl)
      .mutateSet("Logical_Switch", nodeSwitch, "acls", "insert", [acl]),
  );
  const change = (mutation: "insert" | "delete"): Promise<unknown> =>
    session.transact(tx().mutateSet("Address_Set", set, "addresses", mutation, [address]));
  return { close: () => change("insert"), open: () => change("delete") };
}
