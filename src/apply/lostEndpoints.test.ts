import assert from "node:assert/strict";
import { test } from "node:test";
import { lostEndpoints } from "./lostEndpoints.ts";
import { groupsOf, ours, row, worldWith } from "./worldFixture.ts";

const vips = (...entries: (readonly [string, string])[]): ReadonlyMap<string, string> => new Map(entries);
const flushed = new Map([["ct_flush", "true"]]);

/** What the engine would say, from the balancers that exist and those that are wanted. */
function lostOf(found: Record<string, ReadonlyMap<string, string>>, wanted: typeof found, options = flushed) {
  const facts = Object.entries(wanted).map(([uuid, to]) => row("Load_Balancer", uuid, { vips: to, options }));
  const rows = Object.entries(found).map(([uuid, from]) => ours(uuid, { vips: from, options }));
  const world = worldWith({ "service/shop/web": facts }, { Load_Balancer: rows });
  const names = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].map(
    (uuid) => ["Load_Balancer", uuid] as const,
  );
  return lostEndpoints(groupsOf(world, names), world).map(({ uuid, vips: lost }) => [
    uuid,
    Object.fromEntries(lost),
  ]);
}

test("an update loses the endpoints that it no longer names, by virtual address", () => {
  const before = vips(["10.96.0.2:53", "10.244.1.4:53,10.244.1.5:53"], ["10.96.0.2:54", "10.244.1.5:54"]);
  const after = vips(["10.96.0.2:53", "10.244.1.4:53,10.244.1.6:53"]);
  assert.deepEqual(lostOf({ a: before }, { a: after }), [
    ["a", { "10.96.0.2:53": ["10.244.1.5:53"], "10.96.0.2:54": ["10.244.1.5:54"] }],
  ]);
});

test("a balancer that is deleted loses all", () => {
  assert.deepEqual(lostOf({ a: vips(["10.96.0.2:53", "10.244.1.4:53"], ["10.96.0.2:54", ""]) }, {}), [
    ["a", { "10.96.0.2:53": ["10.244.1.4:53"] }],
  ]);
});

test("nothing is lost where endpoints are only added, other columns change or connections are not flushed", () => {
  const one = vips(["10.96.0.2:53", "10.244.1.4:53"]);
  const two = vips(["10.96.0.2:53", "10.244.1.4:53,10.244.1.5:53"]);
  assert.deepEqual(lostOf({ a: one }, { a: two, b: one }), []);
  assert.deepEqual(lostOf({ a: two }, { a: one }, new Map()), []);
});
