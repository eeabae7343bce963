// The cost of reconnecting to a cluster: members keep a history, so a client that was cut off only receives what it
// missed. `ovsdb-client monitor` ends when it is cut off, so only the Python IDL is compared.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { startOvsdbCluster } from "../../test/real/ovsdbCluster.ts";
import { northboundSchema } from "../../test/real/ovsdbServer.ts";
import { startRelay } from "../../test/real/relay.ts";
import { compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { quantile } from "../quantile.ts";
import { BenchProcess } from "../scale/process.ts";
import { fillPorts } from "./ports.ts";

const megabyte = 1024 ** 2;
const turns = { fewest: 3, most: 5 };

interface Resumed {
  readonly seconds: number;
  readonly megabytes: number;
  readonly firstSeconds: number;
  readonly firstMegabytes: number;
}

/** `programs` are the two clients' arguments for a given remote. */
export async function resumeFigures(
  ports: number,
  programs: { readonly own: (remote: string) => string[]; readonly idl: (remote: string) => string[] },
): Promise<readonly Figure[]> {
  const database = "OVN_Northbound";
  await using cluster = await startOvsdbCluster(northboundSchema, database);
  const leader = cluster.members[await cluster.leader()];
  if (!leader) throw new Error("no leader");
  await using writer = new Session({ remotes: [leader.remote], database });
  writer.start();
  await writer.connected();
  await fillPorts(writer, ports);

  const resumed = async (program: (remote: string) => string[], missed: string): Promise<Resumed> => {
    await using relay = await startRelay(leader.remote);
    await using client = new BenchProcess(program(relay.remote));
    const first: { readonly seconds: number } = JSON.parse(await client.line());
    client.say("tell");
    const firstBytes = relay.bytesToClient;
    const began = performance.now();
    relay.cut();
    await writer.transact(new Transaction(northbound).insert("Address_Set", { name: missed }));
    await client.until((line) => (line.includes(missed) ? true : undefined));
    return {
      seconds: (performance.now() - began) / 1000,
      megabytes: (relay.bytesToClient - firstBytes) / megabyte,
      firstSeconds: first.seconds,
      firstMegabytes: firstBytes / megabyte,
    };
  };

  const taken: Resumed[] = [];
  const own = new Side(async (round) => {
    const once = await resumed(programs.own, `missed-by-weft-${round}`);
    taken.push(once);
    return [once.seconds];
  });
  const idl = new Side(async (round) => [(await resumed(programs.idl, `missed-by-idl-${round}`)).seconds]);
  await inTurn([[own, idl]], turns);
  const median = (of: keyof Resumed): number =>
    quantile(
      taken.map((once) => once[of]),
      0.5,
    );
  return [
    compared({
      name: "ovsdb: resume on a cluster, back-off included",
      unit: "s",
      own,
      limit: { name: "Python IDL", side: idl },
      aim: 1,
    }),
    compared({
      name: "ovsdb: resume on a cluster",
      unit: "s",
      own,
      limit: { name: "first copy", side: { blocks: taken.map(({ firstSeconds }) => [firstSeconds]) } },
    }),
    {
      name: "ovsdb: resume on a cluster, received",
      unit: "MB",
      value: median("megabytes"),
      limit: { name: "first copy", value: median("firstMegabytes") },
    },
  ];
}
