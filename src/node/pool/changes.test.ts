import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../../model/ip.ts";
import { namesOf } from "../../model/names.ts";
import type { PoolPort } from "../../model/pool.ts";
import type { CacheRow } from "./cache.ts";
import { type PoolChange, type PoolView, poolChanges } from "./changes.ts";
import { type Offer, offerIn } from "./offer.ts";
import {
  type CachedPort,
  type ExternalIds,
  type Holder,
  idsOf,
  offerRowOf,
  type PoolScope,
  portIn,
  rowOf,
} from "./queueRow.ts";

const scope: PoolScope = { names: namesOf("demo"), nodeName: "n1", nested: true };
const subnets = ["10.244.1.0/24", "fd00:10:244:1::/64"].flatMap((text) => parseCidr(text) ?? []);
const holder: Holder = { container: "c1", ifname: "eth0", pod: "shop/web", podUid: "u1" };
const other: Holder = { ...holder, container: "c2" };

/** A cache, and the node around it. */
interface Node {
  offer: Offer | undefined;
  policed: boolean;
  readonly rows: Map<string, ExternalIds>;
  /** offset -> who has an interface of that port */
  readonly interfaces: Map<number, readonly Holder[]>;
  readonly rested: Set<string>;
  readonly reserved: Set<string>;
  readonly lost: Set<string>;
}

const nodeWith = (offer?: Offer): Node => ({
  offer,
  policed: false,
  rows: new Map(),
  interfaces: new Map(),
  rested: new Set(),
  reserved: new Set(),
  lost: new Set(),
});

const nested = (offsets: readonly number[]): readonly PoolPort[] =>
  offsets.map((offset) => ({ offset, tag: offset + 100 }));
const offering = (lists: Partial<Record<"open" | "closed" | "withdrawn", readonly number[]>>): Offer =>
  offerIn(scope, subnets, {
    line: "a",
    from: 0,
    generation: 1,
    asked: 1,
    open: nested(lists.open ?? []),
    closed: nested(lists.closed ?? []),
    withdrawn: nested(lists.withdrawn ?? []),
  });

const viewOf = (node: Node): PoolView => ({
  scope,
  offered: node.offer?.ports,
  offer: node.offer,
  offerIds: node.rows.get(offerRowOf(scope)),
  rows: [...node.rows]
    .filter(([uuid]) => uuid !== offerRowOf(scope))
    .map(([uuid, ids]): CacheRow => ({ uuid, ids, port: portIn(scope, uuid, ids) })),
  holders: (name) =>
    [...node.interfaces].find(([offset]) => scope.names.poolPort("n1", offset) === name)?.[1] ?? [],
  policed: node.policed,
  rested: (uuid) => node.rested.has(uuid),
  reserved: (name) => node.reserved.has(name),
  lost: (uuid) => node.lost.has(uuid),
});

/** Does what the changes say, as the database would. */
function follow(node: Node, changes: readonly PoolChange[]): void {
  for (const change of changes) {
    if (change.kind === "insert") assert.ok(!node.rows.has(change.uuid), "a row inserted twice");
    else assert.deepEqual(node.rows.get(change.uuid), change.from);
    if (change.kind === "delete") node.rows.delete(change.uuid);
    else node.rows.set(change.uuid, change.to);
    node.rested.delete(change.uuid);
    node.lost.delete(change.uuid);
  }
}

const settle = (node: Node): void => follow(node, poolChanges(viewOf(node)));

/** `closed ready`, or `none`. */
function stateAt(node: Node, offset: number): string {
  const uuid = rowOf(scope, offset);
  const port = portIn(scope, uuid, node.rows.get(uuid) ?? new Map());
  return port ? `${port.open ? "open" : "closed"} ${port.use.state}` : "none";
}

test("what is offered and not there is added; as claimed, if a pod has it already", () => {
  const node = nodeWith(offering({ open: [5], closed: [6, 7], withdrawn: [8, 9] }));
  node.interfaces.set(7, [holder]).set(9, [holder]);
  settle(node);
  assert.deepEqual(
    [5, 6, 7, 8, 9].map((offset) => stateAt(node, offset)),
    ["open ready", "closed ready", "closed claimed", "none", "closed claimed"],
  );
  const row = node.rows.get(rowOf(scope, 7));
  assert.equal(row?.get("weft.io/container"), "c1");
  assert.equal(row?.get("weft.io/pod-uid"), "u1");
});

test("a row that somebody removed comes back resting, since nobody knows what its port was used for", () => {
  const node = nodeWith(offering({ open: [5], closed: [6] }));
  for (const offset of [5, 6]) node.lost.add(rowOf(scope, offset));
  settle(node);
  assert.deepEqual([stateAt(node, 5), stateAt(node, 6)], ["open resting", "closed resting"]);
  for (const offset of [5, 6]) node.rested.add(rowOf(scope, offset));
  settle(node);
  assert.deepEqual([stateAt(node, 5), stateAt(node, 6)], ["open ready", "closed spent"]);
});

test("a ready port follows the offer, and goes when it is withdrawn or not offered any more", () => {
  const node = nodeWith(offering({ open: [5, 6, 7, 8], closed: [9] }));
  settle(node);
  node.offer = offering({ open: [8, 9], closed: [5], withdrawn: [6] });
  settle(node);
  assert.deepEqual(
    [5, 6, 7, 8, 9].map((offset) => stateAt(node, offset)),
    ["closed spent", "none", "none", "open ready", "open ready"],
    "who had the first while it was open may have it still",
  );
});

test("a claimed port stays as it is, whatever is offered, and rests when its interface is gone", () => {
  const node = nodeWith(offering({ open: [5] }));
  node.interfaces.set(5, [holder]);
  settle(node);
  const claimed = node.rows.get(rowOf(scope, 5));
  for (const offer of [offering({ closed: [5] }), offering({ withdrawn: [5] }), offering({}), undefined]) {
    node.offer = offer;
    settle(node);
    assert.deepEqual(node.rows.get(rowOf(scope, 5)), claimed);
  }
  node.offer = offering({ closed: [5] });
  node.interfaces.clear();
  node.reserved.add(scope.names.poolPort("n1", 5));
  settle(node);
  assert.equal(stateAt(node, 5), "open claimed", "a pod is being plugged in anew");
  node.reserved.clear();
  settle(node);
  assert.equal(stateAt(node, 5), "closed resting");
});

test("a withdrawn port rests to the end before it is gone, and a spent one goes at once", () => {
  const node = nodeWith(offering({ closed: [5] }));
  node.interfaces.set(5, [holder]);
  settle(node);
  node.interfaces.clear();
  settle(node);
  const claimed = new Map(node.rows);
  node.offer = offering({ withdrawn: [5] });
  settle(node);
  assert.equal(stateAt(node, 5), "closed resting");
  node.rested.add(rowOf(scope, 5));
  settle(node);
  assert.equal(stateAt(node, 5), "none");

  const spent = nodeWith(offering({ closed: [5] }));
  for (const [uuid, ids] of claimed) spent.rows.set(uuid, ids);
  spent.rested.add(rowOf(scope, 5));
  settle(spent);
  assert.equal(stateAt(spent, 5), "closed spent");
  spent.offer = offering({ open: [5] });
  settle(spent);
  assert.equal(stateAt(spent, 5), "open ready");
});

test("while policies may exist an open port is spent after its rest, until it has been withdrawn and is offered anew", () => {
  const node = nodeWith(offering({ open: [5], closed: [6] }));
  node.policed = true;
  node.interfaces.set(5, [holder]);
  settle(node);
  node.interfaces.clear();
  settle(node);
  assert.equal(stateAt(node, 5), "open resting");
  node.rested.add(rowOf(scope, 5));
  settle(node);
  assert.equal(stateAt(node, 5), "open spent");
  node.policed = false;
  settle(node);
  assert.equal(stateAt(node, 5), "open spent", "that no policy is left does not say who counts it");
  node.offer = offering({ closed: [6], withdrawn: [5] });
  settle(node);
  assert.equal(stateAt(node, 5), "none");
  node.offer = offering({ open: [5], closed: [6] });
  settle(node);
  assert.equal(stateAt(node, 5), "open ready");
});

test("rows of ours that make no sense are rebuilt where they are offered, and removed where not", () => {
  const node = nodeWith(offering({ closed: [5, 6] }));
  const garbage = new Map([["weft.io/pool", "demo"]]);
  const stray = crypto.randomUUID();
  node.interfaces.set(6, [holder]);
  for (const uuid of [rowOf(scope, 5), rowOf(scope, 6), rowOf(scope, 7), stray]) node.rows.set(uuid, garbage);
  settle(node);
  assert.deepEqual(
    [5, 6, 7].map((offset) => stateAt(node, offset)),
    ["closed resting", "closed claimed", "none"],
  );
  assert.equal(node.rows.has(stray), false);
});

test("an interface is right about who has a port, and the row is not", () => {
  const node = nodeWith(offering({ closed: [5] }));
  node.interfaces.set(5, [holder]);
  settle(node);
  node.interfaces.set(5, [other]);
  settle(node);
  assert.equal(node.rows.get(rowOf(scope, 5))?.get("weft.io/container"), "c2");
});

test("without an offer nothing is added or removed, and what was used still comes to rest and is ready again", () => {
  const node = nodeWith(offering({ open: [5] }));
  node.interfaces.set(5, [holder]);
  settle(node);
  node.offer = undefined;
  node.interfaces.clear();
  settle(node);
  assert.equal(stateAt(node, 5), "open resting");
  node.rested.add(rowOf(scope, 5));
  settle(node);
  assert.equal(stateAt(node, 5), "open ready");
});

test("whatever there is, following the changes once leaves none, and no port that a pod has is ready", () => {
  const place = fc.record({
    offer: fc.constantFrom("open", "closed", "withdrawn", "none"),
    row: fc.constantFrom("none", "ready", "claimed", "resting", "spent", "garbage", "other address"),
    open: fc.boolean(),
    holders: fc.constantFrom<readonly Holder[]>([], [holder], [other], [other, holder]),
    isRested: fc.boolean(),
    isReserved: fc.boolean(),
    isLost: fc.boolean(),
  });
  const world = fc.record({
    isPoliced: fc.boolean(),
    places: fc.array(place, { maxLength: 12 }),
    isOfferKnown: fc.boolean(),
  });
  fc.assert(
    fc.property(world, ({ places, isOfferKnown, isPoliced }) => {
      const at = (kind: string) => places.flatMap(({ offer }, index) => (offer === kind ? [index + 3] : []));
      const lists = { open: at("open"), closed: at("closed"), withdrawn: at("withdrawn") };
      const node = nodeWith(isOfferKnown ? offering(lists) : undefined);
      node.policed = isPoliced;
      for (const [index, each] of places.entries()) {
        const offset = index + 3;
        const uuid = rowOf(scope, offset);
        const ids = rowIn(offset, each.row, each.open);
        if (ids) node.rows.set(uuid, ids);
        if (each.holders.length > 0) node.interfaces.set(offset, each.holders);
        if (each.isRested) node.rested.add(uuid);
        if (each.isReserved) node.reserved.add(scope.names.poolPort("n1", offset));
        if (each.isLost && !ids) node.lost.add(uuid);
      }
      settle(node);
      assert.deepEqual(poolChanges(viewOf(node)), []);
      for (const [index, { offer, holders }] of places.entries()) {
        const state = stateAt(node, index + 3);
        if (holders.length > 0) assert.match(state, /claimed|none/);
        if (isOfferKnown && offer === "none" && holders.length === 0) assert.doesNotMatch(state, /ready/);
        if (isOfferKnown && offer === "withdrawn") assert.doesNotMatch(state, /ready/);
        if (isOfferKnown && offer === "closed") assert.notEqual(state, "open ready");
      }
    }),
    { numRuns: 500 },
  );
});

function rowIn(offset: number, kind: string, open: boolean): ExternalIds | undefined {
  const [offered] = offering({ open: [offset] }).ports.values();
  if (!offered || kind === "none") return undefined;
  const { withdrawn: _, ...facts } = offered;
  const port: CachedPort = { ...facts, open, use: { state: "ready" } };
  switch (kind) {
    case "garbage":
      return new Map([["weft.io/pool", "demo"]]);
    case "other address":
      return idsOf(scope, { ...port, network: { ...port.network, mac: "0a:58:00:00:00:01" } });
    case "claimed":
    case "resting":
    case "spent":
      return idsOf(scope, { ...port, use: { state: kind, holder } });
    default:
      return idsOf(scope, port);
  }
}
