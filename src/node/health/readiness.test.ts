import assert from "node:assert/strict";
import { test } from "node:test";
import { Readiness } from "./readiness.ts";

test("what the node waits for is told once, and pods get links when it is ready", () => {
  const lines: string[] = [];
  let changes = 0;
  const readiness = new Readiness(
    (_, message) => lines.push(message),
    () => changes++,
  );
  assert.equal(readiness.notReady(), "the agent has just started");
  for (let round = 0; round < 3; round++) readiness.set({ ready: false, reason: "no subnet yet" });
  assert.throws(() => readiness.links(), /this node is not ready: no subnet yet/);
  const links = { mtu: { linkBytes: 1500, routeBytes: 1442 }, ownChecksums: true };
  for (let round = 0; round < 3; round++) readiness.set({ ready: true, links });
  assert.equal(readiness.notReady(), undefined);
  assert.equal(readiness.links(), links);
  assert.deepEqual(lines, ["not ready: no subnet yet", "ready"]);
  assert.equal(changes, 2);
});
