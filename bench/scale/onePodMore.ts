// One more pod, many times, seen from outside: the time from the pod's annotation to its row in the northbound
// database, both as a third party sees them. Bare is a port inserted by hand, from sending to seeing its row.

import type { KubeClient } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { annotations, namesOf } from "../../src/model/names.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";

const cluster = "weft";
const node = "node-0";
const namespace = "default";

export async function onePodMore(
  client: KubeClient,
  remote: string,
  samples: number,
): Promise<{ readonly weftMs: readonly number[]; readonly bareMs: readonly number[] }> {
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
  const weftMs: number[] = [];
  const bareMs: number[] = [];
  const names = namesOf(cluster);
  const nodeSwitch = rowUuid(cluster, "Logical_Switch", names.nodeSwitch(node));
  for (let i = 0; i < samples; i++) {
    const name = `more-${i}`;
    await client.create(pathOf(kinds.Pod, namespace), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name },
      spec: { nodeName: `node-${i % 100}`, containers: [{ name: "none", image: "none" }] },
    });
    const [decided, row] = await Promise.all([
      seen.of(`decided ${name}`),
      seen.of(`row ${names.podPort(namespace, name)}`),
    ]);
    weftMs.push(Math.max(0, row - decided));
    const bare = `bare-${i}`;
    const start = performance.now();
    const uuid = crypto.randomUUID();
    await session.transact(
      new Transaction(northbound)
        .insert("Logical_Switch_Port", { name: bare, addresses: ["unknown"] }, uuid)
        .mutateSet("Logical_Switch", nodeSwitch, "ports", "insert", [uuid]),
    );
    bareMs.push((await seen.of(`row ${bare}`)) - start);
  }
  stopping.abort();
  return { weftMs, bareMs };
}

/** When things were first seen. Can be asked before or after. */
class Sightings {
  readonly #known = new Map<string, PromiseWithResolvers<number>>();

  note(what: string): void {
    this.#entry(what).resolve(performance.now());
  }

  of(what: string): Promise<number> {
    return this.#entry(what).promise;
  }

  #entry(what: string): PromiseWithResolvers<number> {
    const known = this.#known.get(what) ?? Promise.withResolvers<number>();
    this.#known.set(what, known);
    return known;
  }
}
