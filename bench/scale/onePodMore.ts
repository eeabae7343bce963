// One more pod, many times, seen from outside: the time from the pod's annotation to its row in the northbound
// database, both as a third party sees them. Bare is a row with the same columns inserted by hand, from sending to seeing
// it.

import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { annotations, namesOf } from "../../src/model/names.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { type InsertOf, Session, Transaction } from "../../src/ovsdb/index.ts";
import { compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { Sightings } from "./sightings.ts";

const cluster = "weft";
const node = "node-0";
const namespace = "default";
const ofBlock = 20;
const turns = { fewest: 25, most: 50 };
const idleMs = 2;

export async function onePodMoreFigures(client: KubeClient, remote: string): Promise<readonly Figure[]> {
  const stopping = new AbortController();
  await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  const replica = session.replica(northbound, { Logical_Switch_Port: { columns: ["name"] } });
  session.start();
  await replica.ready();
  const pods = watchKind(client, "Pod", { signal: stopping.signal, namespace });
  await pods.ready();
  const seen = new Sightings();
  pods.subscribe((changes) => {
    for (const { new: pod } of changes)
      if (pod?.annotations[annotations.podNetworks] !== undefined) seen.note(`decided ${pod.name}`);
  });
  replica.subscribe((changes) => {
    for (const { table, new: row } of changes)
      if (table === "Logical_Switch_Port" && row) seen.note(`row ${row.name}`);
  });
  const names = namesOf(cluster);
  const nodeSwitch = rowUuid(cluster, "Logical_Switch", names.nodeSwitch(node));

  const oneOfWeft = async (index: number): Promise<number> => {
    const name = `more-${index}`;
    await client.create(pathOf(kinds.Pod, namespace), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name },
      spec: { nodeName: `node-${index % 100}`, containers: [{ name: "none", image: "none" }] },
    });
    const [decided, row] = await Promise.all([
      seen.of(`decided ${name}`),
      seen.of(`row ${names.podPort(namespace, name)}`),
    ]);
    return Math.max(0, row - decided);
  };
  const oneBare = async (index: number): Promise<number> => {
    const name = `bare-${index}`;
    // Between two of Weft's the server is idle for as long, and a process that is woken takes longer than one at work.
    await delay(idleMs);
    const start = performance.now();
    const uuid = crypto.randomUUID();
    await session.transact(
      new Transaction(northbound)
        .insert("Logical_Switch_Port", likeOfWeft(name), uuid)
        .mutateSet("Logical_Switch", nodeSwitch, "ports", "insert", [uuid]),
    );
    return (await seen.of(`row ${name}`)) - start;
  };
  const [weft, bare] = [Side.ofSingles(ofBlock, oneOfWeft), Side.ofSingles(ofBlock, oneBare)];
  await inTurn([[weft, bare]], turns);
  stopping.abort();
  const figure = (share: number, aim?: number): Figure =>
    compared({
      name: `one pod more: decided to committed p${share * 100}`,
      unit: "ms",
      share,
      own: weft,
      limit: { name: "bare transaction", side: bare },
      aim,
    });
  const p99 = figure(0.99);
  return [figure(0.5, 1.5), p99, { name: p99.name, unit: "ms", value: p99.value, aim: 10 }];
}

/** What a port of Weft's has in its columns. */
function likeOfWeft(name: string): InsertOf<NorthboundTables, "Logical_Switch_Port"> {
  const addresses = ["0a:58:0a:ff:00:03 10.255.0.3"];
  return {
    name,
    addresses,
    port_security: addresses,
    options: new Map([
      ["iface-id-ver", crypto.randomUUID()],
      ["requested-chassis", crypto.randomUUID()],
    ]),
    external_ids: new Map([
      ["namespace", namespace],
      ["pod", "true"],
      ["bare/cluster", cluster],
      ["bare/owner", `pod/${namespace}/${name}`],
    ]),
  };
}
