// One endpoint of a Service changes, many times, seen from outside: the time from the EndpointSlice to the balancer's row in the
// northbound database, both as a third party sees them. Bare is the same change of a row like it by hand.

import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { namesOf } from "../../src/model/names.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { compared, type Figure } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { Sightings } from "./sightings.ts";

const ofBlock = 10;
const turns = { fewest: 10, most: 20 };
/** Longer than the distance that changes of balancers keep (src/apply/balancerPace.ts): what a single change takes is measured. */
const idleMs = 300;
const vip = "10.255.0.1:80";

export async function endpointChangeFigures(client: KubeClient, remote: string): Promise<readonly Figure[]> {
  const stopping = new AbortController();
  await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  const replica = session.replica(northbound, { Load_Balancer: { columns: ["name", "vips"] } });
  session.start();
  await replica.ready();
  const slices = watchKind(client, "EndpointSlice", { signal: stopping.signal });
  await slices.ready();
  const seen = new Sightings();
  slices.subscribe((changes) => {
    for (const { new: slice } of changes)
      for (const { addresses } of slice?.endpoints ?? []) seen.note(`slice ${addresses[0]}`);
  });
  replica.subscribe((changes) => {
    for (const { table, new: row } of changes)
      if (table === "Load_Balancer" && row)
        for (const backends of row.vips.values())
          for (const backend of backends.split(",")) seen.note(`row ${backend.split(":")[0]}`);
  });
  const services = [...replica.table("Load_Balancer").values()].length;

  const oneOfWeft = async (index: number): Promise<number> => {
    const number = index % 1_000;
    const address = addressAt(200, index);
    const patch = { endpoints: ["10.244.0.3", "10.244.0.4", address].map(endpointAt) };
    await delay(idleMs);
    await client.patch(pathOf(kinds.EndpointSlice, `team-${number % 20}`, `web-${number}-abcde`), patch);
    const [slice, row] = await Promise.all([seen.of(`slice ${address}`), seen.of(`row ${address}`)]);
    return Math.max(0, row - slice);
  };
  const name = namesOf("bare").loadBalancer("none", "none", "tcp");
  const uuid = crypto.randomUUID();
  await session.transact(
    new Transaction(northbound).insert(
      "Load_Balancer",
      { name, vips: new Map([[vip, "10.244.0.3:8080"]]) },
      uuid,
    ),
  );
  const oneBare = async (index: number): Promise<number> => {
    const address = addressAt(201, index);
    await delay(idleMs);
    const start = performance.now();
    const backends = `10.244.0.3:8080,10.244.0.4:8080,${address}:8080`;
    await session.transact(
      new Transaction(northbound).update("Load_Balancer", uuid, { vips: new Map([[vip, backends]]) }),
    );
    return (await seen.of(`row ${address}`)) - start;
  };
  const [weft, bare] = [Side.ofSingles(ofBlock, oneOfWeft), Side.ofSingles(ofBlock, oneBare)];
  await inTurn([[weft, bare]], turns);
  stopping.abort();
  const figure = (share: number): Figure =>
    compared({
      name: `one endpoint changes among ${services} Services: seen to committed p${share * 100}`,
      unit: "ms",
      share,
      own: weft,
      limit: { name: "the same by hand", side: bare },
    });
  const p99 = figure(0.99);
  return [figure(0.5), p99, { name: p99.name, unit: "ms", value: p99.value, aim: 10 }];
}

const addressAt = (second: number, index: number): string => `10.${second}.${index >> 8}.${index & 255}`;

const endpointAt = (address: string) => ({
  addresses: [address],
  conditions: { ready: true, serving: true, terminating: false },
  nodeName: "node-0",
});
