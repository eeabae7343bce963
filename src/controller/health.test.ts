import assert from "node:assert/strict";
import { test } from "node:test";
import { Health, troublesIn, troublesText } from "./health.ts";

function world() {
  const parts = {
    staleness: { problem: "" },
    southbound: { synced: true },
    northd: { problem: "" },
    ranges: "",
  };
  const said = (text: string): string | undefined => text || undefined;
  let now = 0;
  const health = new Health({
    staleness: {
      get problem() {
        return said(parts.staleness.problem);
      },
    },
    southbound: parts.southbound,
    northd: {
      get problem() {
        return said(parts.northd.problem);
      },
    },
    agents: () => "no sign of life from n2",
    ranges: () => said(parts.ranges),
    now: () => now,
  });
  return { health, parts, pass: (ms: number) => (now += ms) };
}

test("a dead agent is a trouble, but does not make the controller unready", () => {
  const { health } = world();
  assert.deepEqual([...health.troubles.keys()], ["agents"]);
  assert.equal(health.problem, undefined);
});

test("a range that is somebody else's too is a trouble, but does not make the controller unready", () => {
  const { health, parts } = world();
  parts.ranges = "--service-cidr 10.96.0.0/16 overlaps 10.96.7.0/24";
  assert.deepEqual([...health.troubles.keys()], ["agents", "ranges"]);
  assert.equal(health.problem, undefined);
});

test("a southbound database that stays away is a trouble after some seconds, until it is back", () => {
  const { health, parts, pass } = world();
  assert.equal(health.problem, undefined);
  parts.southbound.synced = false;
  assert.equal(health.problem, undefined);
  pass(20_000);
  assert.match(health.problem ?? "", /southbound/);
  parts.southbound.synced = true;
  assert.equal(health.problem, undefined);
});

test("what the leader writes on the Lease is read back, and anything else says nothing", () => {
  const { health, parts } = world();
  parts.northd.problem = "ovn-northd does not follow";
  const text = troublesText(health.troubles) ?? "";
  assert.deepEqual(troublesIn(text), health.troubles);
  assert.equal(troublesText(new Map()), undefined);
  for (const nonsense of ["", "null", "7", "{", '{"northd":7,"other":"x"}'])
    assert.equal(troublesIn(nonsense).size, 0, nonsense);
});
