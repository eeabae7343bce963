// How long a change takes from the moment a writer sends it until a client has told of it on its standard output. The same
// writer and the same way for every client; while one is measured the others are stopped.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type Session, Transaction } from "../../src/ovsdb/index.ts";
import { inTurn, type Pair, Side } from "../inTurn.ts";
import type { BenchProcess } from "../scale/process.ts";

/** As long as it takes until the code of all of them is compiled. */
const warmUp = 500;
const ofBlock = 100;
const turns = { fewest: 5, most: 10 };

/** Milliseconds of each change, of three clients that have been told to tell. */
export async function notificationSides(
  writer: Session,
  clients: { readonly own: BenchProcess; readonly idl: BenchProcess; readonly monitor: BenchProcess },
): Promise<{ readonly own: Side; readonly idl: Side; readonly monitor: Side }> {
  const side = (name: string, client: BenchProcess): Side =>
    new Side(async (block) => {
      client.goOn();
      // Also until it has caught up with what the others were told of.
      await notifications(writer, client, `${name}-before-${block}`, block === 0 ? warmUp : 1);
      const times = await notifications(writer, client, `${name}-${block}`, ofBlock);
      client.pause();
      return times;
    });
  for (const client of Object.values(clients)) client.pause();
  const own = side("own", clients.own);
  const idl = side("idl", clients.idl);
  const monitor = side("monitor", clients.monitor);
  const pairs: Pair[] = [
    [own, idl],
    [own, monitor],
  ];
  await inTurn(pairs, turns);
  return { own, idl, monitor };
}

async function notifications(
  writer: Session,
  client: BenchProcess,
  prefix: string,
  count: number,
): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  for (let index = 0; index < count; index++) {
    const name = `${prefix}-notified-${index}`;
    const began = performance.now();
    const committed = writer.transact(new Transaction(northbound).insert("Address_Set", { name }));
    await client.until((line) => (line.includes(name) ? true : undefined));
    milliseconds.push(performance.now() - began);
    await committed;
  }
  return milliseconds;
}
