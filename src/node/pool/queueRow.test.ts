import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../../model/ip.ts";
import { namesOf } from "../../model/names.ts";
import { podNetworkAt } from "../../model/network.ts";
import { type CachedPort, idsOf, type PoolScope, portIn, rowOf } from "./queueRow.ts";

const scope: PoolScope = { names: namesOf("demo"), nodeName: "n1", nested: false };
const nestedScope: PoolScope = { ...scope, nested: true };
const subnets = ["10.244.1.0/24", "fd00:10:244:1::/64"].flatMap((text) => parseCidr(text) ?? []);
const holder = { container: "c1", ifname: "eth0", pod: "shop/web", podUid: "u1" };

const ready: CachedPort = {
  offset: 5,
  name: "demo_pool_n1_5",
  tag: undefined,
  open: false,
  network: podNetworkAt(subnets, 5),
  use: { state: "ready" },
};

test("what is written is understood, in every state and with every tag", () => {
  const port = fc.record({
    offset: fc.integer({ min: 3, max: 250 }),
    tag: fc.integer({ min: 1, max: 4094 }),
    open: fc.boolean(),
    nested: fc.boolean(),
    state: fc.constantFrom("ready", "claimed", "resting", "spent"),
  });
  fc.assert(
    fc.property(port, ({ offset, tag, open, nested, state }) => {
      const at = nested ? nestedScope : scope;
      const written: CachedPort = {
        offset,
        name: at.names.poolPort("n1", offset),
        tag: nested ? tag : undefined,
        open,
        network: podNetworkAt(subnets, offset),
        use: state === "ready" ? { state } : { state, holder },
      };
      assert.deepEqual(portIn(at, rowOf(at, offset), idsOf(at, written)), written);
    }),
  );
});

test("a row that differs from what is written in a single letter is none", () => {
  const ids = idsOf(scope, { ...ready, use: { state: "claimed", holder } });
  const uuid = rowOf(scope, 5);
  assert.ok(portIn(scope, uuid, ids));
  for (const [key, value] of ids) {
    // Who has a port is anything at all.
    const free = ["container", "ifname", "pod", "pod-uid"].some((name) => key === `weft.io/${name}`);
    if (!free) assert.equal(portIn(scope, uuid, new Map(ids).set(key, `${value}!`)), undefined, key);
    const without = new Map(ids);
    without.delete(key);
    assert.equal(portIn(scope, uuid, without), undefined, `without ${key}`);
  }
  assert.equal(portIn(scope, uuid, new Map(ids).set("note", "mine")), undefined);
});

test("rows of another place, node or cluster, and values that cannot be, are refused", () => {
  const uuid = rowOf(scope, 5);
  const ids = idsOf(scope, ready);
  assert.equal(portIn(scope, rowOf(scope, 6), ids), undefined);
  assert.equal(portIn({ ...scope, nodeName: "n2" }, uuid, ids), undefined);
  assert.equal(portIn({ ...scope, names: namesOf("other") }, uuid, ids), undefined);
  const wrong: readonly (readonly [string, string])[] = [
    ["weft.io/mac", "0A:58:0a:f4:01:05"],
    ["weft.io/mac", ""],
    ["weft.io/addresses", ""],
    ["weft.io/addresses", "10.244.1.5"],
    ["weft.io/addresses", "10.244.1.5/24,"],
    ["weft.io/gateways", "10.244.1.1,nonsense"],
    ["weft.io/tag", "7"],
    ["weft.io/tag", "4095"],
    ["weft.io/open", "yes"],
    ["weft.io/state", "ready "],
    ["weft.io/state", ""],
    ["weft.io/offset", "05"],
    ["weft.io/offset", "-5"],
  ];
  for (const [key, value] of wrong) {
    assert.equal(portIn(scope, uuid, new Map(ids).set(key, value)), undefined, `${key}=${value}`);
  }
  assert.equal(portIn(scope, uuid, new Map()), undefined);
});

test("a nested port without a tag would be on the node's own network, so it is none", () => {
  assert.equal(portIn(nestedScope, rowOf(scope, 5), idsOf(nestedScope, ready)), undefined);
});
