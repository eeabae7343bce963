// How fast a node's pool fills, from the wish for several hundred ports more to their offer, and what pods feel of it that
// start meanwhile. Bare is the same number of ports inserted in one transaction, until the southbound database says of
// each what Weft waits for before it offers one.

import { whenever } from "../../src/node/whenever.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type PortBindingRow, southbound } from "../../src/ovn/southbound.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";
import { type Figure, quantile } from "../figure.ts";
import type { AddTimes } from "../wiring/addTimes.ts";
import { northboundOf, settled, southboundOf } from "../wiring/databases.ts";
import { insertPorts } from "../wiring/readyPorts.ts";
import type { BenchPod } from "../wiring/runtime.ts";
import { type PoolBed, portsOf, sizes } from "./poolBed.ts";

const rounds = 3;
const ports = portsOf(sizes.large) - portsOf(sizes.small);
/** Beyond the ports that were made ready for the bare wiring. */
const firstIndex = 200;
/** So few that no port has to be taken back that was used. */
const mostAdds = 10;
const patienceMs = 120_000;

/** `idle` is how long an ADD takes when nothing is filled. */
export async function fillFigures(
  bed: PoolBed,
  idle: AddTimes,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  const weft: number[] = [];
  const bare: number[] = [];
  const adds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    weft.push(ports / (await seconds(() => bed.resize(sizes.large))));
    await shrink(bed);
    bare.push(ports / (await bareFill(bed, round)));
    adds.push(...(await addsMeanwhile(bed, `f${round}`)));
    await shrink(bed);
    progress(
      `fill ${round + 1}: Weft ${weft.at(-1)?.toFixed(0)}, bare ${bare.at(-1)?.toFixed(0)} ports per s`,
    );
  }
  return [
    {
      name: `pool fill, ${ports} ports, p50`,
      unit: "per s",
      value: quantile(weft, 0.5),
      limit: { name: "bare", value: quantile(bare, 0.5) },
    },
    {
      name: `CNI ADD while a pool is filled, ${adds.length} times, p50`,
      unit: "ms",
      value: quantile(adds, 0.5),
      limit: { name: "idle", value: quantile(idle.weft, 0.5) },
    },
  ];
}

async function shrink(bed: PoolBed): Promise<void> {
  await bed.resize(sizes.small);
  await settled(bed.sandbox);
}

/** Milliseconds of each ADD that began while the pool was filled. The pods were there before. */
async function addsMeanwhile(bed: PoolBed, name: string): Promise<readonly number[]> {
  const { runtime, node } = bed;
  const pods: { readonly pod: BenchPod; readonly uid: string }[] = [];
  for (let i = 0; i < mostAdds; i++) {
    const pod = await runtime.namespaceFor(node, `${name}x${i}`);
    pods.push({ pod, uid: await runtime.createPod(pod) });
  }
  const over = new AbortController();
  const times: number[] = [];
  const adding = async (): Promise<void> => {
    for (const { pod, uid } of pods) {
      if (over.signal.aborted) return;
      times.push(1000 * (await seconds(() => runtime.add(pod, uid))));
    }
  };
  await Promise.all([bed.resize(sizes.large).finally(() => over.abort()), adding()]);
  for (const { pod, uid } of pods) {
    await runtime.del(pod, uid);
    await runtime.deletePod(pod);
    await runtime.removeNamespace(pod);
  }
  return times;
}

/** Seconds. */
async function bareFill({ runtime, sandbox, node }: PoolBed, round: number): Promise<number> {
  const site = await runtime.site(node);
  const made = Array.from({ length: ports }, (_, index) =>
    runtime.handPort(`fill-${round}-${index}`, site, firstIndex + index),
  );
  await using writing = await northboundOf(sandbox);
  await using watching = await southboundOf(sandbox);
  const columns = ["logical_port", "chassis", "up", "parent_port"];
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

const isUp = ({ up }: PortBindingRow): boolean => up === true;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
