import assert from "node:assert/strict";
import { test } from "node:test";
import { silent } from "../../kube/clock.ts";
import { Interner } from "../../kube/intern.ts";
import type { Node } from "../../kube/objects.ts";
import { nodeOf } from "../../kube/project.ts";
import { Bell } from "../wait/bell.ts";
import type { Problem } from "./dataPlane.ts";
import { saysElse } from "./nodeConditions.ts";
import { NodeReporter } from "./nodeReporter.ts";

const down: Problem = { reason: "VswitchdDown", message: "ovs-vswitchd is not running" };

function nodeWith(condition: object | undefined): Node {
  const conditions = condition ? [{ type: "NetworkUnavailable", ...condition }] : [];
  const object = { metadata: { name: "n1", uid: "u", resourceVersion: "1" }, status: { conditions } };
  const node = nodeOf(object, new Interner());
  assert.ok(node);
  return node;
}

function world(condition: object | undefined) {
  const state = { node: nodeWith(condition), problem: undefined as Problem | undefined, now: 0 };
  const written: string[] = [];
  let failures = 0;
  const reporter = new NodeReporter({
    node: () => state.node,
    problem: () => state.problem,
    news: new Bell(),
    condition: {
      name: "NetworkUnavailable",
      differs: saysElse,
      declare: async (_, problem) => {
        if (failures-- > 0) throw new Error("the API server is away");
        written.push(problem?.reason ?? "up");
        state.node = nodeWith({ status: problem ? "True" : "False", reason: "WeftIsUp", ...problem });
      },
    },
    now: () => state.now,
    random: () => 0.5,
    log: silent,
  });
  return {
    state,
    written,
    fail: (times: number) => (failures = times),
    /** Looks once a second. */
    after: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        state.now += 1_000;
        await reporter.look().catch(() => undefined);
      }
    },
  };
}

test("a node that works is told so once, and never again", async () => {
  const { after, written } = world(undefined);
  await after(60_000);
  assert.deepEqual(written, ["up"]);
});

test("a fault is written when it has lasted, and its end at once", async () => {
  const { after, written, state } = world({ status: "False", reason: "Other" });
  await after(3_000);
  state.problem = down;
  await after(3_000);
  assert.deepEqual(written, []);
  await after(20_000);
  assert.deepEqual(written, ["VswitchdDown"]);
  state.problem = undefined;
  await after(6_000);
  assert.deepEqual(written, ["VswitchdDown", "up"]);
});

test("a process that is restarted costs no write", async () => {
  const { after, written, state } = world({ status: "False", reason: "WeftIsUp" });
  for (let round = 0; round < 5; round++) {
    state.problem = down;
    await after(2_000);
    state.problem = undefined;
    await after(2_000);
  }
  assert.deepEqual(written, []);
});

test("what somebody else says about a node that works is put right", async () => {
  const { after, written } = world({ status: "True", reason: "AgentSilent", message: "gone" });
  await after(2_000);
  assert.deepEqual(written, ["up"]);
});

test("a write that fails is repeated", async () => {
  const { after, written, fail } = world({ status: "True", reason: "NoRouteCreated" });
  fail(2);
  await after(30_000);
  assert.deepEqual(written, ["up"]);
});
