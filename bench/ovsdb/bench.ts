// The OVSDB client beside ovsdb-client (C) and the Python IDL of Open vSwitch (Debian's python3-openvswitch, which
// openvswitch-switch brings along), against one real server with 100,000 ports. ovsdb-client can copy and follow, but it
// keeps no rows and sends one transaction for each start of it: so it has no part in the other figures.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { northboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";
import { type Bench, type Compared, compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { quantile } from "../quantile.ts";
import { BenchProcess } from "../scale/process.ts";
import { notificationSides } from "./notify.ts";
import { fillPorts } from "./ports.ts";
import { resumeFigures } from "./resume.ts";

const ports = 100_000;
const few = { fewest: 3, most: 5 };
/** Blocks of 1-row transactions. */
const some = { fewest: 5, most: 12 };
const single = 400;
/** Blocks before, shown by themselves: a session lasts for weeks, and the first thousands are where its code is compiled. */
const first = { fewest: 5, most: 5 };
const many = 1000;
const pipelined = 50_000;
/** Rows of about 600 bytes, in a first copy of more than 300 MB. */
const hugePorts = 500_000;
const note = "x".repeat(400);

interface Copy {
  readonly rows: number;
  readonly seconds: number;
  readonly megabytes: number;
}

/** The argument list of a client, for how much it will be told to do. */
type Program = (...counts: readonly number[]) => (remote: string) => string[];

const own: Program =
  (...counts) =>
  (remote) => ["node", "bench/ovsdb/client.ts", remote, ...counts.map(String)];
const idl: Program =
  (...counts) =>
  (remote) => ["/usr/bin/python3", "bench/ovsdb/idl.py", remote, northboundSchema, ...counts.map(String)];

export const ovsdbBench: Bench = {
  name: "ovsdb",
  about: `the OVSDB client, ovsdb-client and the Python IDL in turn, with ${ports} ports on one server`,
  async run(progress) {
    const stall = await stallFigures();
    progress(`${hugePorts} ports were copied`);
    await using server = await startOvsdbServer(northboundSchema);
    const { remote } = server;
    await using writer = new Session({ remotes: [remote], database: "OVN_Northbound" });
    writer.start();
    await writer.connected();
    await fillPorts(writer, ports);
    progress(`the server holds ${ports} ports`);
    const copies = await copyFigures(remote);
    progress("first copies are done");
    const rest = await sessionFigures(remote, writer);
    progress("transactions and notifications are done");
    const resume = await resumeFigures(ports, { own: own(0, 0, 0), idl: idl(0, 0, 0) });
    return [...copies, ...rest, ...resume, ...stall];
  },
};

/** First copies, each by a process of its own. */
async function copyFigures(remote: string): Promise<readonly Figure[]> {
  const sideOf = (program: Program) => {
    const megabytes: number[] = [];
    const side = new Side(async () => {
      await using client = new BenchProcess(program(0, 0, 0)(remote));
      const copy = copyOf(await client.line());
      megabytes.push(copy.megabytes);
      return [copy.seconds];
    });
    return { side, megabytes };
  };
  const [ofOwn, ofIdl] = [sideOf(own), sideOf(idl)];
  const dump = new Side(async () => [await copyByC(remote)]);
  await inTurn(
    [
      [ofOwn.side, dump],
      [ofOwn.side, ofIdl.side],
    ],
    few,
  );
  return [
    compared({
      name: `ovsdb: first copy of ${ports} ports`,
      unit: "s",
      own: ofOwn.side,
      limit: { name: "ovsdb-client dump", side: dump },
      aim: 1.5,
    }),
    besideIdl({ name: "first copy", unit: "s" }, [ofOwn.side, ofIdl.side]),
    {
      name: `ovsdb: RSS of ${ports} ports`,
      unit: "MB",
      value: quantile(ofOwn.megabytes, 0.5),
      limit: { name: "Python IDL", value: quantile(ofIdl.megabytes, 0.5) },
      aim: 1,
    },
  ];
}

/** What two long sessions cost, beside each other. */
async function sessionFigures(remote: string, writer: Session): Promise<readonly Figure[]> {
  await using ofOwn = new BenchProcess(own(single, many, pipelined)(remote));
  copyOf(await ofOwn.line());
  await using ofIdl = new BenchProcess(idl(single, many, pipelined)(remote));
  copyOf(await ofIdl.line());
  const told = (command: string, prefix: string): readonly [Side, Side] => {
    const side = (client: BenchProcess): Side =>
      new Side(async (block) => {
        client.say(`${command} ${prefix}${block}`);
        const taken: readonly number[] = JSON.parse(await client.line());
        return taken;
      });
    return [side(ofOwn), side(ofIdl)];
  };
  const [early, singles] = [told("singles", "first"), told("singles", "then")];
  const [manies, piped] = [told("manies", "many"), told("pipelined", "pipelined")];
  await inTurn([early], first);
  await inTurn([singles], some);
  await inTurn([manies], some);
  await inTurn([piped], few);

  await writer.transact(new Transaction(northbound).insert("Address_Set", { name: "first" }));
  await using monitor = new BenchProcess(monitorArgv(remote));
  // It prints what is there, and follows from then on.
  await monitor.line();
  for (const client of [ofOwn, ofIdl]) client.say("tell");
  const notified = await notificationSides(writer, { own: ofOwn, idl: ofIdl, monitor });
  const toldPair = [notified.own, notified.idl] as const;
  return [
    besideIdl({ name: "1-row transaction p50", unit: "ms" }, singles),
    besideIdl({ name: "1-row transaction p99", unit: "ms", share: 0.99, aim: 0.5 }, singles),
    besideIdl(
      {
        name: `1-row transaction p99, the first ${first.most * single} of a session`,
        unit: "ms",
        share: 0.99,
        aim: undefined,
      },
      early,
    ),
    besideIdl({ name: "1-row transactions", unit: "per s" }, [rates(singles[0]), rates(singles[1])]),
    besideIdl({ name: `${many}-row transaction`, unit: "ms" }, manies),
    besideIdl({ name: `${pipelined} rows pipelined, 100 a transaction`, unit: "s" }, piped),
    besideIdl({ name: "change notification p50", unit: "ms" }, toldPair),
    besideIdl({ name: "change notification p99", unit: "ms", share: 0.99 }, toldPair),
    compared({
      name: "ovsdb: change notification p50",
      unit: "ms",
      own: notified.own,
      limit: { name: "ovsdb-client monitor", side: notified.monitor },
    }),
    {
      name: "ovsdb: change notification p99",
      unit: "ms",
      value: quantile(notified.own.blocks.flat(), 0.99),
      aim: 5,
    },
  ];
}

type Blocks = Compared["own"];

const besideIdl = (
  figure: Pick<Compared, "name" | "unit" | "share" | "aim">,
  [ofOwn, ofIdl]: readonly [Blocks, Blocks],
): Figure =>
  compared({
    aim: 1,
    ...figure,
    name: `ovsdb: ${figure.name}`,
    own: ofOwn,
    limit: { name: "Python IDL", side: ofIdl },
  });

/** How many of them a second, by block. */
const rates = ({ blocks }: Blocks): Blocks => ({
  blocks: blocks.map((block) => [(block.length * 1000) / block.reduce((sum, each) => sum + each, 0)]),
});

function copyOf(line: string): Copy {
  const copy: Copy = JSON.parse(line);
  if (copy.rows !== ports) throw new Error(`${copy.rows} ports were copied, not ${ports}`);
  return copy;
}

const monitorArgv = (remote: string): string[] => [
  "ovsdb-client",
  "--format=json",
  "monitor",
  remote,
  "OVN_Northbound",
  "Address_Set",
  "name",
];

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

/** The longest stall while a reply of hundreds of MB is taken in, by a process with the flags of bin/weft. */
async function stallFigures(): Promise<readonly Figure[]> {
  await using server = await startOvsdbServer(northboundSchema);
  {
    await using session = new Session({ remotes: [server.remote], database: "OVN_Northbound" });
    session.start();
    await session.connected();
    await fillPorts(session, hugePorts, note);
  }
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
