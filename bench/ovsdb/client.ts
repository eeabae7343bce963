// The client under measurement, in a process of its own: `client.ts REMOTE SINGLE MANY PIPELINED`. One JSON line at each stage,
// as idl.py prints them, and two that only this client does.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";

const [remote = "", ...counts] = process.argv.slice(2);
const [single = 0, many = 0, pipelined = 0] = counts.map(Number);
const database = "OVN_Northbound";
const resident = (): number => process.memoryUsage.rss() / 1024 ** 2;
const say = (fields: object): void => console.log(JSON.stringify(fields));

const insert = (prefix: string, count = 1): Transaction => {
  const transaction = new Transaction(northbound);
  for (let index = 0; index < count; index++)
    transaction.insert("Address_Set", { name: `${prefix}-${index}` });
  return transaction;
};

const before = resident();
let began = performance.now();
await using session = new Session({ remotes: [remote], database });
const replica = session.replica(northbound, {
  Logical_Switch_Port: true,
  Address_Set: { columns: ["name"] },
});
session.start();
await replica.ready();
const rows = replica.table("Logical_Switch_Port").size;
say({ rows, seconds: (performance.now() - began) / 1000, megabytes: resident() - before });

const milliseconds: number[] = [];
for (let index = 0; index < single; index++) {
  began = performance.now();
  await session.transact(insert(`weft-${index}`));
  milliseconds.push(performance.now() - began);
}
began = performance.now();
await session.transact(insert("weft-many", many));
say({ single: milliseconds, many: performance.now() - began });

began = performance.now();
await Promise.all(
  Array.from({ length: pipelined / 100 }, (_, index) =>
    session.transact(insert(`weft-pipelined-${index}`, 100)),
  ),
);
const pipelinedSeconds = (performance.now() - began) / 1000;

// From the moment another session sends a change until this one's replica tells of it.
await using writer = new Session({ remotes: [remote], database });
writer.start();
await writer.connected();
const notified: number[] = [];
for (let index = 0; index < single; index++) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = replica.subscribe(() => resolve());
  began = performance.now();
  const committed = writer.transact(insert(`weft-notified-${index}`));
  await promise;
  notified.push(performance.now() - began);
  unsubscribe();
  await committed;
}
say({ pipelinedSeconds, notified });
