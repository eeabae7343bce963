import assert from "node:assert/strict";
import { test } from "node:test";
import { Desired } from "../../src/desired/desired.ts";
import type { Fact } from "../../src/model/fact.ts";
import { FactList } from "../../src/plan/facts.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import {
  bounded,
  byName,
  portFacts,
  type Running,
  schemaFile,
  scope,
  startEngine,
  switchFacts,
  withEngine,
} from "./engineWorld.ts";

function populate(desired: Desired, ports: number): void {
  desired.replace("node/n1", switchFacts("n1"));
  for (let i = 0; i < ports; i++) desired.replace(`pod/p${i}`, portFacts(`p${i}`, "n1"));
}

const ports = ({ replica }: Running): number => replica.table("Logical_Switch_Port").size;

test(
  "nothing is removed before every input has synced, and additions are made meanwhile",
  bounded,
  async () => {
    await using server = await startOvsdbServer(schemaFile);
    await using first = await startEngine({ remote: server.remote });
    populate(first.desired, 5);
    await first.engine.settled();
    await first.stop();

    const desired = new Desired();
    await using second = await startEngine({ remote: server.remote, desired, synced: false });
    desired.replace("node/n2", switchFacts("n2"));
    await second.engine.settled();
    assert.deepEqual([ports(second), second.replica.table("Logical_Switch").size], [5, 2]);
    assert.deepEqual(second.held, []);

    // A pod that moved meanwhile is still moved: nothing of Weft's is lost by that.
    desired.replace("pod/p0", portFacts("p0", "n2"));
    await second.engine.committed("pod/p0");
    const portsOf = (name: string) => byName(second.replica, "Logical_Switch", name)?.ports.length;
    assert.deepEqual([portsOf("n1"), portsOf("n2")], [4, 1]);

    // Whoever else had rows says that they are to go.
    for (const owner of ["node/n1", "pod/p1", "pod/p2", "pod/p3", "pod/p4"])
      desired.replace(owner, [], "confirmed");
    await second.engine.settled();
    assert.equal(ports(second), 5);
    second.engine.allSynced();
    await second.engine.settled();
    assert.deepEqual([ports(second), second.replica.table("Logical_Switch").size], [1, 1]);
  },
);

test("deleting a large share is held and reported, while other work goes on", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine } = running;
    populate(desired, 60);
    await engine.settled();
    for (let i = 0; i < 50; i++) desired.remove(`pod/p${i}`);
    desired.replace("pod/new", portFacts("new", "n1"));
    await engine.committed("pod/new");
    assert.equal(ports(running), 61);
    assert.equal(engine.status.heldRows, 50);
    const report = running.held.at(-1);
    assert.deepEqual([report?.rows, report?.tables], [50, new Map([["Logical_Switch_Port", 50]])]);
    assert.match(report?.message ?? "", /50 of 62 rows is held \(50 Logical_Switch_Port; such as p\d+/);

    // What is wanted again is no longer held, and when little is left, that little goes.
    for (let i = 10; i < 50; i++) desired.replace(`pod/p${i}`, portFacts(`p${i}`, "n1"));
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [51, 0]);
    assert.equal(running.held.at(-1)?.rows, 0);
  }),
);

test("a held prune goes when it is approved, and the approval covers only what was held", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine } = running;
    populate(desired, 100);
    await engine.settled();
    for (let i = 0; i < 50; i++) desired.remove(`pod/p${i}`);
    await engine.settled();
    assert.equal(engine.status.heldRows, 50);
    engine.approvePrune();
    await engine.committed("pod/p0");
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [50, 0]);
    for (let i = 50; i < 100; i++) desired.remove(`pod/p${i}`);
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [50, 50]);
  }),
);

test("a flood of deletions that comes in slices is held as well", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine } = running;
    populate(desired, 100);
    await engine.settled();
    for (let i = 0; i < 100; i++) {
      desired.remove(`pod/p${i}`);
      if (i % 5 === 4) await engine.settled();
    }
    assert.ok(ports(running) >= 65, `${ports(running)} left`);
    assert.equal(engine.status.heldRows, ports(running));
  }),
);

test("what vanishes with a deleted row counts too", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine } = running;
    populate(desired, 30);
    await engine.settled();
    desired.remove("node/n1");
    for (let i = 0; i < 30; i++) desired.remove(`pod/p${i}`);
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [30, 31]);
    engine.approvePrune();
    await engine.settled();
    assert.deepEqual([ports(running), running.replica.table("Logical_Switch").size], [0, 0]);
  }),
);

test(
  "a dry run prints the operations, holds what the guard would hold, and sends nothing",
  bounded,
  async () => {
    await using server = await startOvsdbServer(schemaFile);
    await using first = await startEngine({ remote: server.remote });
    populate(first.desired, 60);
    await first.engine.settled();
    await first.stop();

    const desired = new Desired();
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("pod/p1", portFacts("p1", "n1", { addresses: ["x"] }));
    desired.replace("pod/new", portFacts("new", "n1"));
    await using dry = await startEngine({ remote: server.remote, desired, idle: true });
    const { transactions, held, problems } = await dry.engine.dryRun();
    const lines = transactions
      .flatMap((each) => String(each).split("\n"))
      .map((line) => line.split(" ", 2).join(" "));
    assert.deepEqual(lines.toSorted(), [
      "insert Logical_Switch_Port",
      "mutate Logical_Switch",
      "update Logical_Switch_Port",
    ]);
    assert.deepEqual([held?.rows, held?.of, problems], [59, 61, []]);
    assert.deepEqual([ports(dry), dry.committed, dry.fence.epoch], [60, [], undefined]);
  },
);

test("what is known to be unwanted goes without counting, and what is only missing is held", () =>
  withEngine({}, async (running) => {
    const { desired, engine } = running;
    populate(desired, 100);
    await engine.settled();
    for (let i = 0; i < 90; i++) desired.replace(`pod/p${i}`, [], "confirmed");
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [10, 0]);

    populate(desired, 100);
    await engine.settled();
    desired.replace("pod/p0", [], "confirmed");
    for (let i = 1; i < 90; i++) desired.remove(`pod/p${i}`);
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [99, 89]);
  }));

test("a row that is wanted again before it went is not free to go the next time", () =>
  withEngine({}, async (running) => {
    const { desired, engine } = running;
    populate(desired, 100);
    await engine.settled();
    const said = new Map(Array.from({ length: 90 }, (_, i) => [`pod/p${i}`, desired.factsOf(`pod/p${i}`)]));
    for (const owner of said.keys()) desired.replace(owner, [], "confirmed");
    for (const [owner, facts] of said) desired.replace(owner, facts);
    await engine.settled();
    for (const owner of said.keys()) desired.remove(owner);
    await engine.settled();
    assert.deepEqual([ports(running), engine.status.heldRows], [100, 90]);
  }));

const balancerFacts = (name: string, address: string, endpoints: string): readonly Fact[] => {
  const facts = new FactList(scope, `service/${name}`);
  facts.row("Load_Balancer", name, { name, vips: new Map([[`${address}:80`, endpoints]]) });
  return facts.facts;
};

test("held Services give way to new ones on the same addresses, whichever comes first", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    const names = Array.from({ length: 120 }, (_, i) => i);
    const addressOf = (i: number): string => `10.96.0.${i + 1}`;
    const say = (prefix: string, i: number): void =>
      void desired.replace(
        `service/${prefix}${i}`,
        balancerFacts(`${prefix}${i}`, addressOf(i), "10.244.0.3:80"),
      );
    for (const i of names) say("old", i);
    await engine.settled();
    for (const i of names) desired.remove(`service/old${i}`);
    for (const i of names.slice(0, 60)) say("new", i);
    await engine.settled();
    assert.equal(engine.status.heldRows, 60);
    for (const i of names.slice(60)) say("new", i);
    await engine.settled();
    const left = [...replica.table("Load_Balancer").values()].map(({ name }) => name);
    assert.equal(left.filter((name) => name.startsWith("new")).length, 120);
    assert.deepEqual(
      left.filter((name) => name.startsWith("old")),
      [],
    );
    assert.equal(engine.status.heldRows, 0);
  }),
);

test("endpoints that are only missing at a start stay, and go with the owner's word", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using first = await startEngine({ remote: server.remote });
  const vips = ({ replica }: Running): readonly (string | undefined)[] =>
    [...replica.table("Load_Balancer").values()].map((row) => row.vips.get("10.96.0.1:80"));
  first.desired.replace("service/web", balancerFacts("web", "10.96.0.1", "10.244.0.3:80,10.244.0.4:80"));
  await first.engine.settled();
  await first.stop();
  const desired = new Desired();
  desired.replace("service/web", balancerFacts("web", "10.96.0.1", ""), "untrusted");
  await using second = await startEngine({ remote: server.remote, desired });
  await second.engine.settled();
  assert.deepEqual(vips(second), ["10.244.0.3:80,10.244.0.4:80"]);
  assert.equal(second.engine.status.heldRows, 1);
  desired.replace("service/web", balancerFacts("web", "10.96.0.1", "10.244.0.9:80"), "untrusted");
  await second.engine.settled();
  assert.deepEqual(vips(second), ["10.244.0.9:80,10.244.0.3:80,10.244.0.4:80"]);
  desired.replace("service/web", balancerFacts("web", "10.96.0.1", "10.244.0.9:80"));
  await second.engine.committed("service/web");
  assert.deepEqual(vips(second), ["10.244.0.9:80"]);
  assert.equal(second.engine.status.heldRows, 0);
});
