// Which ports of a real southbound database count as the cluster's.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ownership } from "../../src/model/names.ts";
import { followPorts } from "../../src/observe/portStates.ts";
import { southbound } from "../../src/ovn/southbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { southboundSchema, startOvsdbServer } from "../real/ovsdbServer.ts";

const server = await startOvsdbServer(southboundSchema);
after(() => server[Symbol.asyncDispose]());

test("a port that somebody else has given the name of a pod's port or a ready port is none, until its row is Weft's", async () => {
  await using session = new Session({ remotes: [server.remote], database: "OVN_Southbound" });
  const states = followPorts(session, "demo");
  const reached: string[] = [];
  states.subscribe({
    pod: (pod, state) => reached.push(`${pod} ${state}`),
    pool: (node, crossed) => reached.push(`pool of ${node} ${[...crossed].join()}`),
  });
  session.start();
  await states.ready(AbortSignal.timeout(10_000));
  const [datapath, own, pooled] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const port = (name: string, key: number) => ({
    logical_port: name,
    datapath,
    tunnel_key: key,
    up: true,
    parent_port: "vm",
  });
  await session.transact(
    new Transaction(southbound)
      .insert("Datapath_Binding", { tunnel_key: 1 }, datapath)
      .insert("Port_Binding", port("demo_pod_shop_web", 1), own)
      .insert("Port_Binding", port("demo_pool_n1_3", 2), pooled)
      .insert("Port_Binding", {
        ...port("demo_pod_shop_db", 3),
        external_ids: new Map([[ownership.cluster, "demo"]]),
      }),
  );
  const all = () =>
    ["demo_pod_shop_web", "demo_pool_n1_3", "demo_pod_shop_db"].map((name) => states.stateOf(name));
  assert.deepEqual(all(), ["absent", "absent", "installed"]);
  assert.deepEqual(reached, ["shop/db bound", "shop/db installed"]);

  const ids = (cluster: string) => ({ external_ids: new Map([[ownership.cluster, cluster]]) });
  const becomes = async (cluster: string): Promise<void> => {
    const write = new Transaction(southbound);
    for (const uuid of [own, pooled]) write.update("Port_Binding", uuid, ids(cluster));
    await session.transact(write);
  };
  await becomes("demo");
  assert.deepEqual(all(), ["installed", "installed", "installed"]);
  assert.deepEqual(reached.slice(2).toSorted(), [
    "pool of n1 unbound,bound,installed",
    "shop/web bound",
    "shop/web installed",
  ]);
  await becomes("other");
  assert.deepEqual(all(), ["absent", "absent", "installed"]);
});
