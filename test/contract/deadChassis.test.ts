// Which chassis a leader removes from a real southbound database, and which it leaves alone.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DeadChassis } from "../../src/controller/deadChassis.ts";
import { silent, systemClock } from "../../src/kube/clock.ts";
import { Interner } from "../../src/kube/intern.ts";
import { nodeOf } from "../../src/kube/project.ts";
import { emptyStore } from "../../src/kube/stores.ts";
import { annotations, chassisMark } from "../../src/model/names.ts";
import { followChassis } from "../../src/observe/chassis.ts";
import { southbound } from "../../src/ovn/southbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { southboundSchema, startOvsdbServer } from "../real/ovsdbServer.ts";

const server = await startOvsdbServer(southboundSchema);
after(() => server[Symbol.asyncDispose]());

interface Given {
  readonly node: string;
  readonly mark?: string;
  /** The number that its ovn-controller has repeated; 9 is the newest. */
  readonly number?: number;
}

const nodeNamed = (name: string, chassis: string) => {
  const metadata = {
    name,
    uid: name,
    resourceVersion: "1",
    annotations: { [annotations.nodeChassisId]: chassis },
  };
  const node = nodeOf({ metadata, status: {} }, new Interner());
  assert.ok(node);
  return node;
};

/** A database with these chassis, and a leader that sees a Node n1 with the chassis c-n1. */
async function world(given: readonly Given[]) {
  const stack = new AsyncDisposableStack();
  const session = stack.use(new Session({ remotes: [server.remote], database: "OVN_Southbound" }));
  const replica = followChassis(session);
  session.start();
  await replica.ready();
  const fill = new Transaction(southbound)
    .delete("Chassis", [])
    .delete("Chassis_Private", [])
    .delete("Encap", []);
  for (const { node, mark = chassisMark("demo"), number = 3 } of given) {
    const name = `c-${node}`;
    const encap = crypto.randomUUID();
    const config = new Map(mark === "" ? [] : [["ovn-cms-options", `enable-chassis-as-gw,${mark}`]]);
    fill
      .insert("Encap", { type: "geneve", ip: `172.30.0.${name}`, chassis_name: name }, encap)
      .insert("Chassis", { name, hostname: node, other_config: config, encaps: [encap] })
      .insert("Chassis_Private", { name, nb_cfg: number });
  }
  await session.transact(fill);
  const nodes = emptyStore("Node");
  nodes.note({ synced: true, lagging: false });
  nodes.apply([{ type: "put", object: nodeNamed("n1", "c-n1") }]);
  const state = { now: 0, rows: new Set<string>() };
  const dead = new DeadChassis({
    cluster: "demo",
    nodes,
    hasRows: (owner) => state.rows.has(owner),
    session,
    replica,
    reached: () => 9,
    clock: { ...systemClock, now: () => state.now },
    log: silent,
  });
  return {
    nodes,
    state,
    session,
    /** The chassis that are left after these seconds. */
    after: async (seconds: number): Promise<readonly string[]> => {
      for (let passed = 0; passed < seconds; passed += 5) {
        await dead.look(AbortSignal.timeout(10_000));
        state.now += 5_000;
      }
      return (await session.select(southbound, "Chassis")).map(({ name }) => name).toSorted();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("the chassis of a node that is gone goes, with its tunnel end, when it has owed a number for long", async () => {
  await using cluster = await world([{ node: "n1" }, { node: "n2" }]);
  assert.deepEqual(await cluster.after(15), ["c-n1", "c-n2"]);
  assert.deepEqual(await cluster.after(15), ["c-n1"]);
  for (const table of ["Encap", "Chassis_Private"] as const)
    assert.equal((await cluster.session.select(southbound, table)).length, 1, table);
});

const spared: readonly [string, Given][] = [
  ["of somebody else", { node: "n2", mark: "" }],
  ["of another cluster", { node: "n2", mark: chassisMark("demo2") }],
  ["whose ovn-controller lives", { node: "n2", number: 9 }],
  ["that has no node's name", { node: "" }],
];
for (const [which, chassis] of spared)
  test(`a chassis ${which} stays, although there is no Node for it`, async () => {
    await using cluster = await world([chassis]);
    assert.equal((await cluster.after(120)).length, 1);
  });

test("a chassis that a Node of another name claims stays", async () => {
  await using cluster = await world([{ node: "n2" }]);
  cluster.nodes.apply([{ type: "put", object: nodeNamed("n3", "c-n2") }]);
  assert.deepEqual(await cluster.after(120), ["c-n2"]);
});

test("a chassis stays as long as the prune guard holds rows of its node", async () => {
  await using cluster = await world([{ node: "n2" }]);
  cluster.state.rows.add("node/n2");
  assert.deepEqual(await cluster.after(120), ["c-n2"]);
  cluster.state.rows.clear();
  assert.deepEqual(await cluster.after(60), []);
});

test("while Nodes are not followed, no chassis goes", async () => {
  await using cluster = await world([{ node: "n2" }]);
  await cluster.after(15);
  cluster.nodes.note({ lagging: true });
  assert.deepEqual(await cluster.after(120), ["c-n2"]);
});
