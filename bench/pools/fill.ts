// How fast a node's pool fills when it is far below its low mark, from the demand for several hundred ports to their
// offer; and how pods are affected that start while a pool is filled from there to its middle. Bare inserts the same
// number of ports in one transaction, and waits until the southbound database reports for each what Weft waits for
// before it offers one.

import { setTimeout as delay } from "node:timers/promises";
import { whenever } from "../../src/node/wait/whenever.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type PortBindingRow, southbound } from "../../src/ovn/southbound.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";
import { compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { northboundOf, settled, southboundOf } from "../wiring/databases.ts";
import { insertPorts } from "../wiring/readyPorts.ts";
import type { BenchPod } from "../wiring/runtime.ts";
import { type PoolBed, portsOf, sizes, urgentPortsOf } from "./poolBed.ts";

const turns = { fewest: 3, most: 6 };
/** No more: what was used rests for longer than the bench takes. */
const addTurns = { fewest: 3, most: 3 };
const ports = urgentPortsOf(sizes.huge) - portsOf(sizes.small);
/** After the ports that were made ready for the bare wiring. */
const firstIndex = 200;
/** So few that filling takes longer than they do, and that no used port has to be taken back. */
const addsOfRound = 10;
/** Before each ADD, so that everything has seen its Pod. */
const pauseMs = 400;
const patienceMs = 120_000;

export async function fillFigures(
  bed: PoolBed,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  const rate = (name: string, fill: (round: number) => Promise<number>): Side =>
    new Side(async (round) => {
      const perSecond = ports / (await fill(round));
      progress(`fill ${round + 1}: ${name} ${perSecond.toFixed(0)} ports per s`);
      return [perSecond];
    });
  const weft = rate("Weft", async () => {
    const enough = (there: number): boolean => there >= urgentPortsOf(sizes.huge);
    const taken = await seconds(() => bed.resize(sizes.huge, enough));
    await shrink(bed);
    return taken;
  });
  const bare = rate("bare", (round) => bareFill(bed, round));
  await inTurn([[weft, bare]], turns);

  const meanwhile = new Side(async (round) => {
    const filling = bed.resize(sizes.large);
    const times = await adds(bed, `f${round}`);
    await filling;
    await settled(bed.sandbox);
    return times;
  });
  const idle = new Side(async (round) => {
    const times = await adds(bed, `i${round}`);
    await shrink(bed);
    return times;
  });
  await inTurn([[meanwhile, idle]], addTurns);
  return [
    compared({
      name: `pool fill to the low mark, ${ports} ports, p50`,
      unit: "per s",
      own: weft,
      limit: { name: "bare", side: bare },
      aim: 0.9,
    }),
    compared({
      name: `CNI ADD while a pool is filled on, ${meanwhile.blocks.length * addsOfRound} times, p50`,
      unit: "ms",
      own: meanwhile,
      limit: { name: "when it is full", side: idle },
      aim: 1.1,
    }),
  ];
}

async function shrink(bed: PoolBed): Promise<void> {
  await bed.resize(sizes.small);
  await settled(bed.sandbox);
}

/** The milliseconds of each ADD. */
async function adds({ runtime, node }: PoolBed, name: string): Promise<readonly number[]> {
  const times: number[] = [];
  const pods: { readonly pod: BenchPod; readonly uid: string }[] = [];
  for (let i = 0; i < addsOfRound; i++) {
    const pod = await runtime.namespaceFor(node, `${name}x${i}`);
    const uid = await runtime.createPod(pod);
    pods.push({ pod, uid });
    await delay(pauseMs);
    times.push(1000 * (await seconds(() => runtime.add(pod, uid))));
  }
  for (const { pod, uid } of pods) {
    await runtime.del(pod, uid);
    await runtime.deletePod(pod);
    await runtime.removeNamespace(pod);
  }
  return times;
}

/** The duration in seconds. */
async function bareFill({ runtime, sandbox, node }: PoolBed, round: number): Promise<number> {
  const site = await runtime.site(node);
  const made = Array.from({ length: ports }, (_, index) =>
    runtime.handPort(`fill-${round}-${index}`, site, firstIndex + index),
  );
  await using writing = await northboundOf(sandbox);
  await using watching = await southboundOf(sandbox);
  const columns = ["logical_port", "chassis", "up", "parent_port"] as const;
  const replica = watching.replica(
    southbound,
    { Port_Binding: { columns } },
    { indexes: { Port_Binding: ["logical_port"] } },
  );
  await replica.ready();
  const isThere = (name: string): boolean =>
    replica
      .table("Port_Binding")
      .by("logical_port", name)
      .some((row) => site.parent === undefined || isUp(row));
  const tx = new Transaction(northbound);
  const uuids = insertPorts(tx, site, made);
  const taken = await seconds(async () => {
    await writing.transact(tx);
    const all = (): true | undefined => made.every(({ name }) => isThere(name)) || undefined;
    await whenever([replica], AbortSignal.timeout(patienceMs), all);
  });
  const gone = new Transaction(northbound);
  await writing.transact(gone.mutateSet("Logical_Switch", site.switchUuid, "ports", "delete", uuids));
  await settled(sandbox);
  return taken;
}

const isUp = ({ up }: Pick<PortBindingRow, "up">): boolean => up === true;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
