// Random churn of facts, with a hostile second writer that edits and deletes Weft's rows and adds rows and members of
// its own. Whatever happens, the result must equal a plan from nothing, and what the other writer added must still be
// there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Desired } from "../../src/desired/desired.ts";
import type { Fact } from "../../src/model/fact.ts";
import { ownership } from "../../src/model/names.ts";
import type { Row, Session } from "../../src/ovsdb/index.ts";
import { FactList } from "../../src/plan/facts.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import {
  bounded,
  hurriedClock,
  mended,
  openSession,
  type Running,
  refOf,
  schemaFile,
  scope,
  startEngine,
  transaction,
} from "./engineWorld.ts";

const noGuard = { prune: { share: 1, rows: 1_000_000, windowMs: 0 } };
const nodes = ["keep", "n1", "n2", "n3"];
const policies = ["p1", "p2"];
const cluster = new FactList(scope, "cluster");
const balancers = cluster.row("Load_Balancer_Group", "group", { name: "demo_services" });
const foreignPort = crypto.randomUUID();
const foreignSwitch = crypto.randomUUID();
const foreignBalancer = crypto.randomUUID();

/** The same sequence for the same seed. */
function randomFrom(seed: number): <T>(choices: readonly T[]) => T {
  let state = seed;
  return (choices) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const choice = choices[Math.floor((state / 2 ** 32) * choices.length)];
    if (choice === undefined) throw new Error("nothing to choose from");
    return choice;
  };
}

function nodeFacts(name: string, variant: string): readonly Fact[] {
  const facts = new FactList(scope, `node/${name}`);
  const row = facts.row("Logical_Switch", name, { name, other_config: new Map([["variant", variant]]) });
  facts.member("Logical_Switch", row, "load_balancer_group", balancers);
  return facts.facts;
}

function podFacts(name: string, node: string, policy: string, address: string): readonly Fact[] {
  const facts = new FactList(scope, `pod/${name}`);
  const port = facts.row("Logical_Switch_Port", name, { name, addresses: [address] });
  facts.member("Logical_Switch", facts.ref("Logical_Switch", node), "ports", port);
  facts.member("Port_Group", facts.ref("Port_Group", policy), "ports", port);
  facts.member("Address_Set", facts.ref("Address_Set", policy), "addresses", address);
  return facts.facts;
}

function policyFacts(name: string, priority: number): readonly Fact[] {
  const facts = new FactList(scope, `policy/${name}`);
  const group = facts.row("Port_Group", name, { name: `demo_${name}` });
  facts.row("Address_Set", name, { name: `demo_as_${name}` });
  const acl = facts.row("ACL", name, { priority, direction: "to-lport", match: "1", action: "drop" });
  facts.member("Port_Group", group, "acls", acl);
  return facts.facts;
}

function serviceFacts(name: string, vip: string): readonly Fact[] {
  const facts = new FactList(scope, `service/${name}`);
  const row = facts.row("Load_Balancer", name, { name, vips: new Map([[vip, "10.244.0.5:80"]]) });
  facts.member("Load_Balancer_Group", balancers, "load_balancer", row);
  return facts.facts;
}

function changeFacts(desired: Desired, pick: ReturnType<typeof randomFrom>): void {
  const name = pick(["a", "b", "c", "d", "e", "f"]);
  const x = pick(["1", "2", "3"]);
  switch (
    pick(["pod", "pod", "pod", "no pod", "node", "no node", "policy", "no policy", "service", "no service"])
  ) {
    case "pod":
      return void desired.replace(
        `pod/${name}`,
        podFacts(name, pick(nodes), pick(policies), `10.244.0.${x}`),
      );
    case "node": {
      const node = pick(nodes);
      return void desired.replace(`node/${node}`, nodeFacts(node, x));
    }
    case "policy": {
      const policy = pick(policies);
      return void desired.replace(`policy/${policy}`, policyFacts(policy, Number(x)));
    }
    case "service":
      return void desired.replace(`service/${name}`, serviceFacts(name, `10.96.0.${x}:80`));
    case "no pod":
      return desired.remove(`pod/${name}`);
    case "no node":
      return desired.remove(`node/${pick(["n1", "n2", "n3"])}`);
    case "no policy":
      return desired.remove(`policy/${pick(policies)}`);
    case "no service":
      return desired.remove(`service/${name}`);
  }
}

/** One action of the other writer. It does not mind if the row is already gone. */
async function strike(other: Session, pick: ReturnType<typeof randomFrom>): Promise<void> {
  const name = pick(["a", "b", "c", "d", "e", "f"]);
  const node = refOf("Logical_Switch", pick(["n1", "n2", "n3"]));
  const port = refOf("Logical_Switch_Port", name);
  const policy = pick(policies);
  const missing = { allowMissing: true };
  const tx = transaction();
  switch (pick(["switch", "port", "addresses", "rename", "balancer", "group", "set", "strays"])) {
    case "switch":
      tx.delete("Logical_Switch", node, missing);
      break;
    case "port":
      for (const each of nodes)
        tx.mutateSet("Logical_Switch", refOf("Logical_Switch", each), "ports", "delete", [port], missing);
      break;
    case "addresses":
      tx.update("Logical_Switch_Port", port, { addresses: ["hostile"], up: true }, missing);
      break;
    case "rename":
      tx.update("Logical_Switch", node, { name: "hostile", other_config: new Map() }, missing);
      break;
    case "balancer":
      tx.delete("Load_Balancer", refOf("Load_Balancer", name), missing);
      break;
    case "group":
      tx.delete("Port_Group", refOf("Port_Group", policy), missing);
      break;
    case "set":
      tx.mutateSet(
        "Address_Set",
        refOf("Address_Set", policy),
        "addresses",
        "insert",
        ["192.0.2.1"],
        missing,
      );
      tx.mutateSet(
        "Address_Set",
        refOf("Address_Set", policy),
        "addresses",
        "delete",
        ["10.244.0.1"],
        missing,
      );
      break;
    case "strays":
      tx.mutateSet("Load_Balancer_Group", balancers, "load_balancer", "insert", [foreignBalancer], missing);
      tx.mutateSet("Port_Group", refOf("Port_Group", policy), "ports", "insert", [foreignPort], missing);
      break;
  }
  await other.transact(tx);
}

/** Weft's rows as text, without references to other people's rows. */
function wefts({ replica }: Running): readonly string[] {
  const rows: [string, Row][] = [];
  for (const table of replica.tables)
    for (const row of replica.table(table).values()) {
      const ids = row.external_ids;
      const isMarked = ids instanceof Map && ids.get(ownership.cluster) === scope.cluster;
      if (!isMarked && row._uuid !== balancers) continue;
      if (ids instanceof Map && ids.get(ownership.owner) === "fence") continue;
      rows.push([table, row]);
    }
  const foreign = new Set<unknown>([foreignPort, foreignBalancer]);
  const show = (value: Row[string]): unknown => {
    if (value instanceof Map) return [...value].map(String).sort();
    return Array.isArray(value)
      ? value
          .filter((each) => !foreign.has(each))
          .map(String)
          .sort()
      : value;
  };
  return rows
    .map(([table, { up: _up, ...row }]) =>
      [table, ...Object.entries(row).map(([name, value]) => `${name}=${JSON.stringify(show(value))}`)].join(
        " ",
      ),
    )
    .sort();
}

/** Whether everything that was refused because two writers collided has been retried. */
async function calm(running: Running): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  await running.engine.settled(signal);
  while (running.engine.status.refused > 0) {
    await sleep(20, undefined, { signal });
    await running.engine.settled(signal);
  }
}

for (const seed of [1, 2, 3, 4, 5])
  test(`churn with a hostile writer ends equal to a plan from nothing (seed ${seed})`, bounded, async () => {
    await using server = await startOvsdbServer(schemaFile);
    await using other = openSession(server.remote);
    await other.connected();
    const pick = randomFrom(seed);
    const limits = { ...noGuard, batch: { changes: 8, bytes: 100_000 } };
    await using running = await startEngine({ remote: server.remote, clock: hurriedClock, limits });
    const { desired } = running;
    desired.replace("cluster", cluster.facts);
    desired.replace("node/keep", nodeFacts("keep", "1"));
    await running.engine.committed("node/keep");
    await other.transact(
      transaction()
        .insert("Logical_Switch_Port", { name: "foreign port" }, foreignPort)
        .mutateSet("Logical_Switch", refOf("Logical_Switch", "keep"), "ports", "insert", [foreignPort])
        .insert("Logical_Switch", { name: "foreign switch" }, foreignSwitch)
        .insert("Load_Balancer", { name: "foreign balancer" }, foreignBalancer),
    );

    for (let step = 0; step < 300; step++) {
      changeFacts(desired, pick);
      if (pick([true, false])) await strike(other, pick);
      if (pick([true, false, false, false])) await running.engine.settled();
    }
    await other.transact(
      transaction().mutateSet("Load_Balancer_Group", balancers, "load_balancer", "insert", [foreignBalancer]),
    );
    // While a pod's switch is missing, its port stays where it was: only complete facts have a single outcome.
    for (const node of nodes) desired.replace(`node/${node}`, nodeFacts(node, "1"));
    await mended(running, other);
    await calm(running);

    await using fresh = await startOvsdbServer(schemaFile);
    const again = new Desired();
    for (const owner of [...desired.owners()].toReversed()) again.replace(owner, desired.factsOf(owner));
    await using reference = await startEngine({ remote: fresh.remote, desired: again, limits: noGuard });
    await reference.engine.settled();
    assert.deepEqual(wefts(running), wefts(reference));
    assert.equal((await running.engine.dryRun()).transactions.join("\n"), "");

    const { replica } = running;
    assert.ok(byUuid(running, "keep").includes(foreignPort));
    assert.equal(replica.table("Logical_Switch").get(foreignSwitch)?.name, "foreign switch");
    assert.ok(replica.table("Load_Balancer_Group").get(balancers)?.load_balancer.includes(foreignBalancer));
  });

const byUuid = ({ replica }: Running, node: string): readonly string[] =>
  replica.table("Logical_Switch").get(refOf("Logical_Switch", node))?.ports ?? [];
