import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { FactList } from "../../src/plan/facts.ts";
import {
  bounded,
  byName,
  hurriedClock,
  mended,
  portFacts,
  type Running,
  refOf,
  scope,
  startEngine,
  switchFacts,
  transaction,
  withEngine,
} from "./engineWorld.ts";

const portsOf = (running: Running, name: string): readonly string[] =>
  byName(running.replica, "Logical_Switch", name)?.ports ?? [];

test("facts become rows, and a restart sends nothing", bounded, () =>
  withEngine({}, async (running, _other, remote) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("pod/a", portFacts("a", "n1", { addresses: ["0a:58:0a:f4:00:05 10.244.0.5"] }));
    await engine.committed("pod/a");
    assert.deepEqual(portsOf(running, "n1"), [refOf("Logical_Switch_Port", "a")]);
    assert.equal(byName(replica, "Logical_Switch_Port", "a")?.external_ids.get("weft.io/owner"), "pod/a");
    assert.ok(running.committed.some(({ owners }) => owners.has("pod/a") && owners.has("node/n1")));
    assert.deepEqual((await engine.dryRun()).transactions, []);
    await running.stop();

    await using again = await startEngine({ remote, desired });
    await again.engine.settled();
    assert.deepEqual(again.committed, []);
  }),
);

test("what facts do not state is left alone in a row of Weft, and what they state is put back", bounded, () =>
  withEngine({}, async (running, other) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("pod/a", portFacts("a", "n1", { addresses: ["x"] }));
    await engine.committed("pod/a");
    const port = refOf("Logical_Switch_Port", "a");
    await other.transact(
      transaction().update("Logical_Switch_Port", port, {
        up: true,
        addresses: ["y"],
        external_ids: new Map(),
      }),
    );
    await mended(running, other);
    const row = replica.table("Logical_Switch_Port").get(port);
    assert.deepEqual([row?.up, row?.external_ids.get("weft.io/cluster")], [true, "demo"]);
    assert.equal(
      running.committed.reduce((sum, { drift }) => sum + drift, 0),
      1,
    );
  }),
);

test("rows that others delete come back, with their memberships", bounded, () =>
  withEngine({}, async (running, other) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("pod/a", portFacts("a", "n1"));
    const policy = new FactList(scope, "policy/p");
    const group = policy.row("Port_Group", "pg", { name: "demo_pg" });
    policy.member("Port_Group", group, "ports", policy.ref("Logical_Switch_Port", "a"));
    desired.replace("policy/p", policy.facts);
    await engine.committed("policy/p");
    const port = refOf("Logical_Switch_Port", "a");
    const isWhole = (): boolean =>
      portsOf(running, "n1").includes(port) && replica.table("Port_Group").get(group)?.ports[0] === port;

    await other.transact(
      transaction().mutateSet("Logical_Switch", refOf("Logical_Switch", "n1"), "ports", "delete", [port]),
    );
    await mended(running, other);
    assert.ok(isWhole());
    await other.transact(transaction().delete("Logical_Switch", refOf("Logical_Switch", "n1")));
    await mended(running, other);
    assert.ok(isWhole());
    await other.transact(transaction().mutateSet("Port_Group", group, "ports", "delete", [port]));
    await mended(running, other);
    assert.ok(isWhole());
  }),
);

test("rows and members of others stay, even in rows of Weft", bounded, () =>
  withEngine({}, async (running, other) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("pod/a", portFacts("a", "n1"));
    await engine.committed("pod/a");
    const foreign = crypto.randomUUID();
    const theirs = crypto.randomUUID();
    await other.transact(
      transaction()
        .insert("Logical_Switch_Port", { name: "theirs" }, foreign)
        .mutateSet("Logical_Switch", refOf("Logical_Switch", "n1"), "ports", "insert", [foreign])
        .insert("Logical_Switch", { name: "their switch", ports: [] }, theirs),
    );
    desired.replace("pod/b", portFacts("b", "n1"));
    desired.remove("pod/a");
    await engine.committed("pod/b");
    await engine.committed("pod/a");
    const group = crypto.randomUUID();
    const members = [foreign, refOf("Logical_Switch_Port", "b")];
    await other.transact(transaction().insert("Port_Group", { name: "their_group", ports: members }, group));
    while (!replica.table("Port_Group").get(group)) await pause(10);
    await engine.settled();
    assert.deepEqual(new Set(replica.table("Port_Group").get(group)?.ports), new Set(members));
    assert.deepEqual(new Set(portsOf(running, "n1")), new Set([foreign, refOf("Logical_Switch_Port", "b")]));
    assert.ok(replica.table("Logical_Switch").get(theirs));

    // Deleting the switch would delete their port with it.
    desired.remove("node/n1");
    desired.remove("pod/b");
    await engine.settled();
    assert.ok(replica.table("Logical_Switch_Port").get(foreign));
    assert.match(
      running.refused[0]?.error.message ?? "",
      /Logical_Switch .* holds Logical_Switch_Port .* not Weft's/,
    );
  }),
);

test("a port of Weft that others add to their switch is removed from it", bounded, () =>
  withEngine({}, async (running, other) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    desired.replace("pod/a", portFacts("a", "n1"));
    await engine.committed("pod/a");
    const theirs = crypto.randomUUID();
    const port = refOf("Logical_Switch_Port", "a");
    await other.transact(transaction().insert("Logical_Switch", { name: "theirs", ports: [port] }, theirs));
    await mended(running, other);
    assert.deepEqual(replica.table("Logical_Switch").get(theirs)?.ports, []);
    assert.deepEqual(portsOf(running, "n1"), [port]);
  }),
);

test("a port moves between switches in one transaction, without ever vanishing", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    for (const node of ["n1", "n2"]) desired.replace(`node/${node}`, switchFacts(node));
    desired.replace("pod/a", portFacts("a", "n1"));
    await engine.committed("pod/a");
    const port = refOf("Logical_Switch_Port", "a");
    const seen: string[] = [];
    replica.subscribe(() => {
      const n1 = portsOf(running, "n1").includes(port);
      const n2 = portsOf(running, "n2").includes(port);
      seen.push(`${n1} ${n2} ${replica.table("Logical_Switch_Port").get(port) !== undefined}`);
    });
    desired.replace("pod/a", portFacts("a", "n2"));
    await engine.committed("pod/a");
    assert.deepEqual(seen, ["false true true"]);

    // Also when the old switch is deleted at the same time, which would delete the port with it.
    desired.replace("pod/a", portFacts("a", "n1"));
    desired.remove("node/n2");
    await engine.committed("pod/a");
    await engine.committed("node/n2");
    assert.deepEqual([portsOf(running, "n1"), byName(replica, "Logical_Switch", "n2")], [[port], undefined]);
    assert.ok(seen.every((state) => state.endsWith("true")));
  }),
);

test("a unique name goes from one row to another in one transaction", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    const named = (key: string) => {
      const facts = new FactList(scope, `as/${key}`);
      facts.row("Address_Set", key, { name: "demo_shared" });
      return facts.facts;
    };
    desired.replace("as/one", named("one"));
    await engine.committed("as/one");
    desired.replace("as/two", named("two"));
    desired.remove("as/one");
    await engine.committed("as/two");
    assert.equal(byName(replica, "Address_Set", "demo_shared")?._uuid, refOf("Address_Set", "two"));
    assert.deepEqual(running.refused, []);
  }),
);

test("a row that goes and comes back under its UUID does so in two transactions", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    for (let life = 0; life < 5; life++) {
      desired.replace("pod/a", portFacts("a", "n1"));
      if (life % 2 === 0) await engine.committed("pod/a");
      desired.remove("pod/a");
      if (life % 3 === 0) await engine.committed("pod/a");
    }
    desired.replace("pod/a", portFacts("a", "n1"));
    await engine.settled();
    assert.ok(byName(replica, "Logical_Switch_Port", "a"));
    assert.deepEqual(running.refused, []);
  }),
);

test("a member waits for its target, and a port for its switch", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    desired.replace("pod/a", portFacts("a", "n1"));
    const policy = new FactList(scope, "policy/p");
    const group = policy.row("Port_Group", "pg", { name: "demo_pg" });
    policy.member("Port_Group", group, "ports", policy.ref("Logical_Switch_Port", "a"));
    desired.replace("policy/p", policy.facts);
    await engine.settled();
    assert.equal(byName(replica, "Logical_Switch_Port", "a"), undefined);
    assert.deepEqual(replica.table("Port_Group").get(group)?.ports, []);
    assert.equal(engine.status.pendingOwners, 2);

    desired.replace("node/n1", switchFacts("n1"));
    await engine.committed("pod/a");
    await engine.committed("policy/p");
    assert.deepEqual(replica.table("Port_Group").get(group)?.ports, [refOf("Logical_Switch_Port", "a")]);
    assert.equal(engine.status.pendingOwners, 0);
  }),
);

test("map entries from several owners change one by one", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    const table = "DNS";
    const uuid = refOf(table, "dns");
    const entry = (key: string, value: string) => ({
      kind: "member" as const,
      destination: scope.destination,
      table,
      uuid,
      column: "records",
      key,
      value,
    });
    const facts = new FactList(scope, "cluster");
    facts.row(table, "dns", {});
    desired.replace("cluster", facts.facts);
    desired.replace("pod/a", [entry("a", "10.0.0.1")]);
    desired.replace("pod/b", [entry("b", "10.0.0.2")]);
    await engine.committed("pod/b");
    desired.replace("pod/a", [entry("a", "10.0.0.9")]);
    desired.remove("pod/b");
    await engine.settled();
    assert.deepEqual([...(replica.table(table).get(uuid)?.records ?? [])], [["a", "10.0.0.9"]]);
  }),
);

test("a refused fact is found and reported with its owner, and all others are committed", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    desired.replace("node/n1", switchFacts("n1"));
    const acl = (priority: number) => {
      const facts = new FactList(scope, "policy/bad");
      const row = facts.row("ACL", "bad", { priority, direction: "to-lport", match: "1", action: "drop" });
      facts.member("Logical_Switch", facts.ref("Logical_Switch", "n1"), "acls", row);
      return facts.facts;
    };
    desired.replace("policy/bad", acl(99_999));
    for (let i = 0; i < 40; i++) desired.replace(`pod/p${i}`, portFacts(`p${i}`, "n1"));
    await engine.settled();
    assert.equal(replica.table("Logical_Switch_Port").size, 40);
    assert.equal(replica.table("ACL").size, 0);
    assert.deepEqual(
      running.refused.map(({ owners, attempts }) => [[...owners], attempts]),
      [[["policy/bad"], 1]],
    );
    assert.equal(engine.status.refused, 1);

    // Changes elsewhere do not retry it. A change of its own facts does, at once.
    desired.replace("pod/late", portFacts("late", "n1"));
    await engine.committed("pod/late");
    assert.equal(running.refused.length, 1);
    desired.replace("policy/bad", acl(1_000));
    await engine.committed("policy/bad");
    assert.equal(replica.table("ACL").size, 1);
    assert.equal(engine.status.refused, 0);
  }),
);

test("a plain value for a row that is not Weft's is refused without a transaction", bounded, () =>
  withEngine({}, async (running, other) => {
    const { desired, engine, replica } = running;
    const theirs = crypto.randomUUID();
    await other.transact(transaction().insert("Address_Set", { name: "theirs" }, theirs));
    const facts = new FactList(scope, "pod/a");
    facts.member("Address_Set", theirs, "addresses", "10.0.0.1");
    desired.replace("pod/a", facts.facts);
    await engine.settled();
    await mended(running, other);
    assert.match(running.refused[0]?.error.message ?? "", /not Weft's/);
    assert.deepEqual(replica.table("Address_Set").get(theirs)?.addresses, []);
  }),
);

test("batches are bounded, and what a row needs goes before it", bounded, () =>
  withEngine({ limits: { batch: { changes: 10, bytes: 100_000 } } }, async (running) => {
    const { desired, engine, replica } = running;
    for (let i = 0; i < 60; i++) desired.replace(`pod/p${i}`, portFacts(`p${i}`, `n${i % 3}`));
    for (let i = 0; i < 3; i++) desired.replace(`node/n${i}`, switchFacts(`n${i}`));
    await engine.settled();
    assert.equal(replica.table("Logical_Switch_Port").size, 60);
    assert.ok(running.committed.length >= 12);
    assert.deepEqual(running.refused, []);
  }),
);

test("what another writer prevented is done some time after it has gone", bounded, () =>
  withEngine({ clock: hurriedClock }, async (running, other) => {
    const { desired, engine, replica } = running;
    const theirs = crypto.randomUUID();
    await other.transact(transaction().insert("Address_Set", { name: "demo_taken" }, theirs));
    const facts = new FactList(scope, "policy/p");
    const mine = facts.row("Address_Set", "taken", { name: "demo_taken" });
    desired.replace("policy/p", facts.facts);
    await engine.settled();
    assert.deepEqual(
      running.refused.map(({ owners, retryInMs }) => [[...owners], retryInMs]),
      [[["policy/p"], 1_000]],
    );
    await other.transact(transaction().delete("Address_Set", theirs));
    await engine.committed("policy/p");
    assert.ok(replica.table("Address_Set").get(mine));
    assert.equal(engine.status.refused, 0);
  }),
);

// ovsdb-server 3.1 crashes at the last step if, at the first step, it is left to clear the group's reference itself.
test("a port that goes while its group changes, and comes back, does no harm to the server", bounded, () =>
  withEngine({}, async (running) => {
    const { desired, engine, replica } = running;
    const group = (name: string) => {
      const facts = new FactList(scope, "policy/p");
      const row = facts.row("Port_Group", "pg", { name });
      for (const port of ["a", "b"])
        facts.member("Port_Group", row, "ports", facts.ref("Logical_Switch_Port", port));
      return facts.facts;
    };
    desired.replace("node/n1", switchFacts("n1"));
    for (const pod of ["a", "b"]) desired.replace(`pod/${pod}`, portFacts(pod, "n1"));
    desired.replace("policy/p", group("demo_one"));
    await engine.committed("policy/p");
    desired.remove("pod/a");
    desired.replace("policy/p", group("demo_two"));
    await engine.settled();
    desired.replace("pod/a", portFacts("a", "n1"));
    await engine.committed("pod/a");
    desired.remove("policy/p");
    await engine.committed("policy/p");
    assert.deepEqual([replica.table("Port_Group").size, replica.table("Logical_Switch_Port").size], [0, 2]);
  }),
);
