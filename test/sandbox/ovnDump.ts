// The rows of OVN's databases by `ovsdb-client dump`, so that two moments can be compared to the letter.

import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { type Cluster, eventually } from "./cluster.ts";

export interface DumpedRow {
  readonly table: string;
  /** Empty if the table has no names. */
  readonly name: string;
  /** The Weft cluster that the row belongs to; empty for other people's rows. */
  readonly cluster: string;
  /** All columns, as the database prints them, but for how far the controller has followed the API server. */
  readonly text: string;
  /** column -> its value in the same form */
  readonly columns: ReadonlyMap<string, string>;
}

interface Table {
  readonly caption: string;
  readonly headings: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** Tables that count clients and transactions or learn from packets, and therefore change by themselves. */
const restless = new Set(["NB_Global", "SB_Global", "Chassis_Private", "Connection", "SSL", "MAC_Binding"]);

/** By UUID. */
export type Dump = ReadonlyMap<string, DumpedRow>;

export const dumpNorthbound = ({ sandbox }: Cluster): Promise<Dump> =>
  dumpOf(sandbox, `unix:${sandbox.layout.central.northboundSocket}`, "OVN_Northbound");

export const dumpSouthbound = ({ sandbox }: Cluster): Promise<Dump> =>
  dumpOf(sandbox, `unix:${sandbox.layout.central.southboundSocket}`, "OVN_Southbound");

/** The contents of any database; of the sandbox only the programs are used. */
export async function dumpOf(sandbox: Sandbox, remote: string, database: string): Promise<Dump> {
  const printed = await sandbox.central.exec(["ovsdb-client", "-f", "json", "dump", remote, database]);
  const rows = new Map<string, DumpedRow>();
  for (const line of printed.split("\n").filter((text) => text !== "")) {
    const { caption, headings, data }: Table = JSON.parse(line);
    const table = caption.replace(/ table$/, "");
    if (restless.has(table)) continue;
    for (const values of data) {
      const [uuid] = values;
      const name = values[headings.indexOf("name")];
      const text = JSON.stringify(values).replace(/\["weft\.io\/versions","[^"]*"\]/, "");
      const cluster = /\["weft\.io\/cluster","([^"]*)"\]/.exec(text)?.[1] ?? "";
      const columns = new Map(headings.map((heading, index) => [heading, JSON.stringify(values[index])]));
      const row = { table, name: typeof name === "string" ? name : "", cluster, text, columns };
      rows.set(JSON.stringify(uuid), row);
    }
  }
  return rows;
}

/** What `contents` gives once it stays the same: a Service's second family follows its first after a moment. */
export async function settled(contents: () => Promise<readonly string[]>): Promise<readonly string[]> {
  let last = await contents();
  await eventually("the rows stay the same", async () => {
    await delay(500);
    const before = last;
    last = await contents();
    return before.join() === last.join();
  });
  return last;
}
