// The client under measurement, in a process of its own: `client.ts REMOTE SINGLE MANY PIPELINED`. Says what its first copy
// cost, and then does what it is told, as idl.py does: `singles NAME`, `manies NAME` and `pipelined NAME` answer with what
// transactions cost that insert rows of such names, and after `tell` it prints the name of each address set that appears.
// Each answer is a JSON line.

import { createInterface } from "node:readline";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";

const [remote = "", ...counts] = process.argv.slice(2);
const [single = 0, many = 0, pipelined = 0] = counts.map(Number);
const database = "OVN_Northbound";
const rowsEach = 100;
/** Transactions of MANY rows at a time. */
const manies = 2;
const resident = (): number => process.memoryUsage.rss() / 1024 ** 2;
const say = (fields: object): void => console.log(JSON.stringify(fields));

const insert = (prefix: string, count: number): Transaction => {
  const transaction = new Transaction(northbound);
  for (let index = 0; index < count; index++)
    transaction.insert("Address_Set", { name: `${prefix}-${index}` });
  return transaction;
};

async function milliseconds(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

const before = resident();
const began = performance.now();
await using session = new Session({ remotes: [remote], database });
const replica = session.replica(northbound, {
  Logical_Switch_Port: true,
  Address_Set: { columns: ["name"] },
});
session.start();
await replica.ready();
const rows = replica.table("Logical_Switch_Port").size;
say({ rows, seconds: (performance.now() - began) / 1000, megabytes: resident() - before });

/** Milliseconds of `count` transactions, one after another, of `rows` rows each. */
async function oneByOne(name: string, count: number, rows: number): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < count; index++)
    taken.push(await milliseconds(() => session.transact(insert(`weft-${name}-${index}`, rows))));
  return taken;
}

/** Seconds of all of them. */
async function piped(name: string): Promise<number[]> {
  const all = Array.from({ length: pipelined / rowsEach }, (_, index) => `weft-${name}-${index}`);
  const taken = await milliseconds(() =>
    Promise.all(all.map((prefix) => session.transact(insert(prefix, rowsEach)))),
  );
  return [taken / 1000];
}

function tell(): void {
  replica.subscribe((changes) => {
    for (const change of changes)
      if (change.table === "Address_Set" && !change.old && change.new) console.log(change.new.name);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, name = ""] = line.split(" ");
  if (command === "singles") say(await oneByOne(name, single, 1));
  else if (command === "manies") say(await oneByOne(name, manies, many));
  else if (command === "pipelined") say(await piped(name));
  else tell();
}
