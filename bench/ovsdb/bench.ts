// The OVSDB client beside ovsdb-client (C) and the Python IDL of Open vSwitch (Debian's python3-openvswitch, which
// openvswitch-switch brings along), against one real server with 100,000 ports.

import { Session } from "../../src/ovsdb/index.ts";
import { northboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";
import { type Bench, type Figure, quantile } from "../figure.ts";
import { BenchProcess } from "../scale/process.ts";
import { fillPorts } from "./ports.ts";
import { resumeFigures } from "./resume.ts";

const ports = 100_000;
const single = 1000;
const many = 1000;
const pipelined = 50_000;

interface Copy {
  readonly rows: number;
  readonly seconds: number;
  readonly megabytes: number;
}
interface Transactions {
  readonly single: readonly number[];
  readonly many: number;
}

export const ovsdbBench: Bench = {
  name: "ovsdb",
  about: `the OVSDB client, ovsdb-client and the Python IDL with ${ports} ports on one server`,
  async run(progress) {
    await using server = await startOvsdbServer(northboundSchema);
    await fill(server.remote);
    progress(`the server holds ${ports} ports`);
    const copiedByC = await copyByC(server.remote);
    await using python = new BenchProcess([
      "/usr/bin/python3",
      "bench/ovsdb/idl.py",
      server.remote,
      northboundSchema,
      String(single),
      String(many),
    ]);
    const [idlCopy, idl]: [Copy, Transactions] = [
      JSON.parse(await python.line()),
      JSON.parse(await python.line()),
    ];
    progress("the Python IDL is done");
    await using client = new BenchProcess([
      "node",
      "bench/ovsdb/client.ts",
      server.remote,
      ...[single, many, pipelined].map(String),
    ]);
    const [copy, own, more]: [
      Copy,
      Transactions,
      { readonly pipelinedSeconds: number; readonly notified: readonly number[] },
    ] = [JSON.parse(await client.line()), JSON.parse(await client.line()), JSON.parse(await client.line())];
    for (const { rows } of [idlCopy, copy])
      if (rows !== ports) throw new Error(`${rows} ports were copied, not ${ports}`);

    const besideIdl = (
      name: string,
      unit: Figure["unit"],
      value: number,
      limit: number,
      aim: number,
    ): Figure => ({ name: `ovsdb: ${name}`, unit, value, limit: { name: "Python IDL", value: limit }, aim });
    return [
      {
        name: `ovsdb: first copy of ${ports} ports`,
        unit: "s",
        value: copy.seconds,
        limit: { name: "ovsdb-client dump", value: copiedByC },
        aim: 1.5,
      },
      besideIdl("first copy", "s", copy.seconds, idlCopy.seconds, 1),
      besideIdl(`RSS of ${ports} ports`, "MB", copy.megabytes, idlCopy.megabytes, 1),
      besideIdl("1-row transaction p50", "ms", quantile(own.single, 0.5), quantile(idl.single, 0.5), 1),
      besideIdl("1-row transaction p99", "ms", quantile(own.single, 0.99), quantile(idl.single, 0.99), 1),
      besideIdl("1-row transactions", "per s", perSecond(own.single), perSecond(idl.single), 1),
      besideIdl(`${many}-row transaction`, "ms", own.many, idl.many, 1),
      {
        name: `ovsdb: ${pipelined} rows pipelined, 100 a transaction`,
        unit: "s",
        value: more.pipelinedSeconds,
      },
      { name: "ovsdb: change notification p50", unit: "ms", value: quantile(more.notified, 0.5) },
      { name: "ovsdb: change notification p99", unit: "ms", value: quantile(more.notified, 0.99), aim: 5 },
      ...(await resumeFigures(ports)),
    ];
  },
};

const perSecond = (milliseconds: readonly number[]): number =>
  (milliseconds.length * 1000) / milliseconds.reduce((sum, each) => sum + each, 0);

async function fill(remote: string): Promise<void> {
  await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  await fillPorts(session, ports);
}

/** Seconds from its start until ovsdb-client has printed all ports as JSON. */
async function copyByC(remote: string): Promise<number> {
  const began = performance.now();
  await using dump = new BenchProcess([
    "ovsdb-client",
    "--format=json",
    "dump",
    remote,
    "OVN_Northbound",
    "Logical_Switch_Port",
  ]);
  await dump.drain();
  return (performance.now() - began) / 1000;
}
