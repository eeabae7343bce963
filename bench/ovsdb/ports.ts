// The content of the databases that are measured: logical switches with a thousand ports each.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type Session, Transaction } from "../../src/ovsdb/index.ts";

const perSwitch = 1000;

/** With `note`, each port also carries that text. */
export async function fillPorts(session: Session, ports: number, note?: string): Promise<void> {
  for (let from = 0; from < ports; from += perSwitch) {
    const transaction = new Transaction(northbound);
    const uuids = Array.from({ length: perSwitch }, () => crypto.randomUUID());
    for (const [index, uuid] of uuids.entries())
      transaction.insert(
        "Logical_Switch_Port",
        {
          name: `port-${from + index}`,
          addresses: [`0a:58:0a:f4:00:01 10.244.${from / perSwitch}.${index % 256}`],
          external_ids: new Map([["pod", `pod-${from + index}`], ...(note ? [["note", note] as const] : [])]),
        },
        uuid,
      );
    transaction.insert("Logical_Switch", { name: `switch-${from}`, ports: uuids });
    await session.transact(transaction);
  }
}
