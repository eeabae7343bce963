import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentLease, agentLeaseName, agentLeases, agentLeasesOf } from "../kube/agentLease.ts";
import { silent, systemClock } from "../kube/clock.ts";
import { Interner } from "../kube/intern.ts";
import type { Node } from "../kube/objects.ts";
import { nodeOf } from "../kube/project.ts";
import type { Freshness } from "../kube/store.ts";
import { annotations } from "../model/names.ts";
import { SilentAgents } from "./silentAgents.ts";

const meta = (name: string) => ({ name, uid: `u-${name}`, resourceVersion: "1" });

/** The Lease of the agent of `writer`, which should be `node`. Undefined when it cannot be. */
function leaseBy(writer: string, node: string, renewed = 0): AgentLease | undefined {
  const spec = { holderIdentity: node, leaseDurationSeconds: 60, renewTime: `t${renewed}` };
  const metadata = { ...meta(agentLeaseName("demo", writer)), labels: agentLeasesOf("demo") };
  return agentLeases.project({ metadata, spec }, new Interner());
}

function leaseOf(node: string, renewed: number): AgentLease {
  const lease = leaseBy(node, node, renewed);
  assert.ok(lease);
  return lease;
}

function nodeNamed(name: string): Node {
  const metadata = { ...meta(name), annotations: { [annotations.gatewayConfig]: "{}" } };
  const node = nodeOf({ metadata, status: {} }, new Interner());
  assert.ok(node);
  return node;
}

function world(names: readonly string[]) {
  const renewed = new Map(names.map((name) => [name, 0]));
  const nodes = new Map(names.map((name) => [name, nodeNamed(name)]));
  const freshness: { -readonly [K in keyof Freshness]: Freshness[K] } = {
    synced: true,
    lagging: false,
    failure: "",
    refused: false,
    resourceVersion: "1",
    malformed: 0,
    unlisted: 0,
    lists: 1,
    outdated: "nothing",
  };
  const declared: string[] = [];
  let now = 0;
  const agents = new SilentAgents({
    leases: { values: () => [...renewed].map(([name, beat]) => leaseOf(name, beat)), freshness },
    nodes: { get: (_, name) => nodes.get(name), values: () => nodes.values() },
    declare: async ({ name }, { reason }) => void declared.push(`${name} ${reason}`),
    clock: { ...systemClock, now: () => now },
    log: silent,
  });
  return {
    agents,
    declared,
    freshness,
    nodes,
    renewed,
    /** A second at a time; every ten seconds, the agents of `alive` renew. */
    after: async (seconds: number, alive: readonly string[]) => {
      for (let passed = 0; passed < seconds; passed++) {
        now += 1000;
        if (passed % 10 === 0) for (const name of alive) renewed.set(name, now);
        await agents.look();
      }
    },
  };
}

const all = ["n1", "n2", "n3"];

test("an agent cannot say in its own Lease whether another node's agent lives", () => {
  assert.equal(leaseBy("n2", "n1"), undefined);
  assert.equal(leaseBy("n1", "n1")?.node, "n1");
});

test("agents that renew are never missed", async () => {
  const { agents, declared, after } = world(all);
  await after(300, all);
  assert.deepEqual([agents.problem, declared, agents.count], [undefined, [], 3]);
});

test("an agent that has stopped is named, its Node is told once, and forgotten when it is back", async () => {
  const { agents, declared, after } = world(all);
  await after(20, all);
  await after(200, ["n1", "n3"]);
  assert.equal(agents.problem, "the agents of n2 are silent");
  assert.deepEqual(declared, ["n2 AgentSilent"]);
  await after(20, all);
  assert.equal(agents.problem, undefined);
  await after(200, ["n1", "n3"]);
  assert.deepEqual(declared, ["n2 AgentSilent", "n2 AgentSilent"]);
});

test("when most agents fall silent at once, it is said, and no node is taken from the scheduler", async () => {
  const many = Array.from({ length: 40 }, (_, index) => `n${index}`);
  const { agents, declared, after } = world(many);
  await after(20, many);
  await after(200, ["n0"]);
  assert.match(agents.problem ?? "", /^the agents of n1, .* and 34 more are silent$/);
  assert.deepEqual(declared, []);
});

test("while the API server tells nothing, nobody is silent", async () => {
  const { agents, after, freshness } = world(all);
  await after(20, all);
  freshness.lagging = true;
  await after(300, []);
  assert.match(agents.problem ?? "", /^no news of Lease /);
  freshness.lagging = false;
  await after(30, []);
  assert.equal(agents.problem, undefined);
});

test("the Lease of a node that is gone says nothing", async () => {
  const { agents, after, nodes } = world(all);
  await after(20, all);
  nodes.delete("n2");
  await after(200, ["n1", "n3"]);
  assert.deepEqual([agents.problem, agents.count], [undefined, 2]);
});

test("an agent that has announced its node and never wrote a Lease is named, and its Node is left alone", async () => {
  const { agents, after, renewed, declared } = world(all);
  renewed.delete("n3");
  await after(30, ["n1", "n2"]);
  assert.equal(agents.problem, undefined);
  await after(60, ["n1", "n2"]);
  assert.match(agents.problem ?? "", /^the agents of n3 have no Lease: /);
  assert.deepEqual(declared, []);
});

test("a leader that may not read the Leases says so", async () => {
  const { agents, after, freshness } = world(all);
  Object.assign(freshness, { lagging: true, failure: "GET leases: 403 Forbidden" });
  await after(30, []);
  assert.match(agents.problem ?? "", /no news of Lease .*403 Forbidden/);
});
