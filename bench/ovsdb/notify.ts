// How long a change takes from the moment a writer sends it until a client has reported it on standard output. The same
// writer and the same method for every client, one client after the other.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import type { BenchProcess } from "../scale/process.ts";

/** Enough for the code of all clients to be compiled. */
const warmUp = 500;

/** The times, in milliseconds, of `count` changes. `client` names each of them in a line of its own. */
export async function notifications(
  remote: string,
  client: BenchProcess,
  prefix: string,
  count: number,
): Promise<readonly number[]> {
  await using writer = new Session({ remotes: [remote], database: "OVN_Northbound" });
  writer.start();
  await writer.connected();
  const milliseconds: number[] = [];
  for (let index = 0; index < warmUp + count; index++) {
    const name = `${prefix}-notified-${index}`;
    const began = performance.now();
    const committed = writer.transact(new Transaction(northbound).insert("Address_Set", { name }));
    await client.until((line) => (line.includes(name) ? true : undefined));
    if (index >= warmUp) milliseconds.push(performance.now() - began);
    await committed;
  }
  return milliseconds;
}
