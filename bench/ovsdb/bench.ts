// The OVSDB client compared with ovsdb-client (C) and Open vSwitch's Python IDL (Debian's python3-openvswitch, which
// comes with openvswitch-switch), on one real server with 100,000 ports. ovsdb-client can copy and follow, but it keeps
// no rows and sends only one transaction per process, so it has no part in the other figures.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { northboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";
import { type Bench, type Figure, quantile } from "../figure.ts";
import { BenchProcess } from "../scale/process.ts";
import { notifications } from "./notify.ts";
import { fillPorts } from "./ports.ts";
import { resumeFigures } from "./resume.ts";

const ports = 100_000;
const copies = 3;
/** Rounds of 1-row transactions, the clients taking turns, so that other load on the machine hits both. */
const rounds = 5;
/** The first rounds are shown separately: a session lasts for weeks, and its code is compiled during the first thousands. */
const firstRounds = 5;
const single = 400;
const many = 1000;
const pipelined = 50_000;
const notified = 500;
/** Rows of about 600 bytes, in a first copy of more than 300 MB. */
const hugePorts = 500_000;
const note = "x".repeat(400);

interface Copy {
  readonly rows: number;
  readonly seconds: number;
  readonly megabytes: number;
}
interface Larger {
  readonly manies: readonly number[];
  readonly pipelinedSeconds: number;
}
interface Measured extends Larger {
  readonly copies: readonly Copy[];
  readonly firstSingles: readonly number[];
  readonly singles: readonly number[];
  readonly notified: readonly number[];
}
/** The arguments that start a client, given how much it will have to do. */
type Program = (...counts: readonly number[]) => (remote: string) => string[];

const own: Program =
  (...counts) =>
  (remote) => ["node", "bench/ovsdb/client.ts", remote, ...counts.map(String)];
const idl: Program =
  (...counts) =>
  (remote) => ["/usr/bin/python3", "bench/ovsdb/idl.py", remote, northboundSchema, ...counts.map(String)];

export const ovsdbBench: Bench = {
  name: "ovsdb",
  about: `the OVSDB client, ovsdb-client and the Python IDL with ${ports} ports on one server`,
  async run(progress) {
    const stall = await stallFigures();
    progress(`${hugePorts} ports were copied`);
    await using server = await startOvsdbServer(northboundSchema);
    const { remote } = server;
    await fill(remote, ports);
    progress(`the server holds ${ports} ports`);
    const copiedByC: number[] = [];
    for (let copy = 0; copy < copies; copy++) copiedByC.push(await copyByC(remote));
    const notifiedByC = await notificationsByC(remote);
    progress("ovsdb-client is done");
    const [python, weft] = await measured(remote, [idl, own]);
    progress("the Python IDL and Weft's client are done");
    if (!python || !weft) throw new Error("a client is missing");

    const besideIdl = (name: string, unit: Figure["unit"], of: (from: Measured) => number): Figure => ({
      name: `ovsdb: ${name}`,
      unit,
      value: of(weft),
      limit: { name: "Python IDL", value: of(python) },
      aim: 1,
    });
    const secondsOf = (from: Measured): number => median(from.copies.map(({ seconds }) => seconds));
    return [
      {
        name: `ovsdb: first copy of ${ports} ports`,
        unit: "s",
        value: secondsOf(weft),
        limit: { name: "ovsdb-client dump", value: median(copiedByC) },
        aim: 1.5,
      },
      besideIdl("first copy", "s", secondsOf),
      besideIdl(`RSS of ${ports} ports`, "MB", (from) => median(from.copies.map((copy) => copy.megabytes))),
      besideIdl("1-row transaction p50", "ms", (from) => quantile(from.singles, 0.5)),
      besideIdl("1-row transaction p99", "ms", (from) => quantile(from.singles, 0.99)),
      {
        name: `ovsdb: 1-row transaction p99, the first ${firstRounds * single} of a session`,
        unit: "ms",
        value: quantile(weft.firstSingles, 0.99),
        limit: { name: "Python IDL", value: quantile(python.firstSingles, 0.99) },
      },
      besideIdl("1-row transactions", "per s", (from) => perSecond(from.singles)),
      besideIdl(`${many}-row transaction`, "ms", (from) => median(from.manies)),
      besideIdl(`${pipelined} rows pipelined, 100 a transaction`, "s", (from) => from.pipelinedSeconds),
      besideIdl("change notification p50", "ms", (from) => median(from.notified)),
      besideIdl("change notification p99", "ms", (from) => quantile(from.notified, 0.99)),
      {
        name: "ovsdb: change notification p50",
        unit: "ms",
        value: median(weft.notified),
        limit: { name: "ovsdb-client monitor", value: median(notifiedByC) },
      },
      {
        name: "ovsdb: change notification p99",
        unit: "ms",
        value: quantile(weft.notified, 0.99),
        aim: 5,
      },
      ...(await resumeFigures(ports, { own: own(0, 0, 0), idl: idl(0, 0, 0) })),
      ...stall,
    ];
  },
};

const median = (values: readonly number[]): number => quantile(values, 0.5);

const perSecond = (milliseconds: readonly number[]): number =>
  (milliseconds.length * 1000) / milliseconds.reduce((sum, each) => sum + each, 0);

/** The clients take turns: first copies, each in a process of its own. The last of these goes on with all the rest. */
async function measured(remote: string, programs: readonly Program[]): Promise<readonly Measured[]> {
  const taken = programs.map((): Copy[] => []);
  for (let copy = 1; copy < copies; copy++) {
    for (const [at, program] of programs.entries()) {
      await using client = new BenchProcess(program(0, 0, 0)(remote));
      taken[at]?.push(copyOf(await client.line()));
    }
  }
  await using stack = new AsyncDisposableStack();
  const clients: BenchProcess[] = [];
  for (const [at, program] of programs.entries()) {
    const client = stack.use(new BenchProcess(program(single, many, pipelined)(remote)));
    taken[at]?.push(copyOf(await client.line()));
    clients.push(client);
  }
  const firstSingles = await singlesOf(clients, "first", firstRounds);
  const singles = await singlesOf(clients, "then", rounds);
  const results: Measured[] = [];
  for (const [at, client] of clients.entries()) {
    client.say("larger");
    const larger: Larger = JSON.parse(await client.line());
    client.say("tell");
    const times = await notifications(remote, client, `client-${at}`, notified);
    await client[Symbol.asyncDispose]();
    results.push({
      ...larger,
      firstSingles: firstSingles[at] ?? [],
      singles: singles[at] ?? [],
      copies: taken[at] ?? [],
      notified: times,
    });
  }
  return results;
}

/** What 1-row transactions cost each of `clients`, taking turns. The rows' names begin with `prefix`. */
async function singlesOf(
  clients: readonly BenchProcess[],
  prefix: string,
  count: number,
): Promise<readonly (readonly number[])[]> {
  const singles = clients.map((): number[] => []);
  for (let round = 0; round < count; round++) {
    for (const [at, client] of clients.entries()) {
      client.say(`singles ${prefix}${round}`);
      const milliseconds: number[] = JSON.parse(await client.line());
      singles[at]?.push(...milliseconds);
    }
  }
  return singles;
}

function copyOf(line: string): Copy {
  const copy: Copy = JSON.parse(line);
  if (copy.rows !== ports) throw new Error(`${copy.rows} ports were copied, not ${ports}`);
  return copy;
}

async function fill(remote: string, count: number, text?: string): Promise<void> {
  await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  await fillPorts(session, count, text);
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

async function notificationsByC(remote: string): Promise<readonly number[]> {
  await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  await session.transact(new Transaction(northbound).insert("Address_Set", { name: "first" }));
  await using monitor = new BenchProcess([
    "ovsdb-client",
    "--format=json",
    "monitor",
    remote,
    "OVN_Northbound",
    "Address_Set",
    "name",
  ]);
  // It prints what exists, and then follows changes.
  await monitor.line();
  return await notifications(remote, monitor, "c", notified);
}

/** The longest stall while a reply of hundreds of MB arrives, in a process with the flags of bin/weft. */
async function stallFigures(): Promise<readonly Figure[]> {
  await using server = await startOvsdbServer(northboundSchema);
  await fill(server.remote, hugePorts, note);
  await using client = new BenchProcess([
    "node",
    "--max-semi-space-size=4",
    "bench/ovsdb/stall.ts",
    server.remote,
  ]);
  const taken: { rows: number; megabytes: number; stallMs: number; busiestMs: number } = JSON.parse(
    await client.line(),
  );
  if (taken.rows !== hugePorts) throw new Error(`${taken.rows} ports were copied, not ${hugePorts}`);
  const what = `a reply of ${Math.round(taken.megabytes)} MB`;
  return [
    { name: `ovsdb: longest stall in ${what}`, unit: "ms", value: taken.stallMs, aim: 50 },
    { name: `ovsdb: the same, processor time of the thread`, unit: "ms", value: taken.busiestMs, aim: 50 },
  ];
}
