import assert from "node:assert/strict";
import { test } from "node:test";
import { poolOfferAnnotation, poolOfferOf, poolSeenAnnotation } from "../kube/annotations.ts";
import { parseCidr } from "../model/ip.ts";
import { namesOf } from "../model/names.ts";
import type { PoolPort } from "../model/pool.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { PodAddresses } from "./allocate/addresses.ts";
import { Api, aNode, aPod } from "./decidedFixture.ts";
import { Pools } from "./pools.ts";

const site = { name: "n1", subnets: [parseCidr("10.244.0.0/24") ?? assert.fail()] };
const resolved = { ...site, id: 2, chassisId: undefined, gateway: undefined, hostAddresses: [] };
const port = (offset: number, tag: number): PoolPort => ({ offset, tag });

test("after a restart a port has the tag of its row, whatever the offer on the Node has become", () => {
  const api = new Api();
  const pools = new Pools(
    { isNested: true, marks: { low: 2, high: 4 }, random: () => 0.5 },
    namesOf("demo"),
    api.patch,
    new PodAddresses(new PortRows()),
  );
  const offer = {
    ...{ line: "ab", from: 0, generation: 7, asked: 1 },
    // The tags of 4 and 5 are swapped, and 6, which has no row, takes the tag of 3. 7 has lost its row.
    open: [port(3, 1), port(4, 3), port(5, 2)],
    closed: [port(6, 1), port(7, 9)],
    withdrawn: [],
  };
  const node = aNode("n1", { annotations: poolOfferAnnotation({ ...offer, closed: [port(7, 9)] }) });
  const lying = aNode("n1", {
    annotations: poolOfferAnnotation({ ...offer, open: offer.open.slice(1), closed: offer.closed }),
  });
  const rows = [port(3, 1), port(4, 2), port(5, 3)].map((row) => ({
    ...row,
    ...{ node: "n1", parent: "vm", isHeldBack: false },
  }));
  for (const stating of [node, lying]) {
    pools.release("n1");
    pools.adopt(stating, site, rows);
    pools.next(stating, resolved, [], {
      isCarried: () => true,
      isHeldBack: () => false,
      isForgotten: () => true,
      isInForce: () => false,
      foreignTags: new Set(),
      now: 0,
    });
    const planned = new Map(pools.planned("n1")?.map(({ offset, tag }) => [offset, tag]));
    assert.deepEqual(
      [3, 4, 5, 7].map((offset) => planned.get(offset)),
      [1, 2, 3, 9],
    );
    assert.equal(new Set(planned.values()).size, planned.size, "each tag once");
  }
});

test("after a restart a closed port that passes packets stays open though its pod is not listed, until the pod goes or the port is spent", () => {
  const offer = {
    ...{ line: "ab", from: 0, generation: 7, asked: 1 },
    ...{ open: [], closed: [port(3, 1), port(4, 2)], withdrawn: [port(5, 3)] },
  };
  const seen = { line: "ab", generation: 7, used: [3, 5], spent: [] as number[] };
  const nodeWith = (spent: readonly number[]) =>
    aNode("n1", {
      annotations: { ...poolOfferAnnotation(offer), ...poolSeenAnnotation({ ...seen, spent }) },
    });
  const rows = [port(3, 1), port(4, 2), port(5, 3)].map((row) => ({
    ...row,
    ...{ node: "n1", parent: "vm", isHeldBack: row.offset === 4 },
  }));
  const pod = aPod("web-1", { podIps: ["10.244.0.3"] });
  const options = { isNested: true, marks: { low: 2, high: 4 }, random: () => 0.5 };
  for (const [what, later, spent, stays] of [
    ["nothing is heard", [[], []], [], [3, 5]],
    ["the pod is found", [[pod], [pod]], [], [3, 5]],
    ["the pod is found, and is gone", [[pod], []], [], [5]],
    ["the agent has no pod there", [[], []], [3], [5]],
  ] as const) {
    const pools = new Pools(options, namesOf("demo"), new Api().patch, new PodAddresses(new PortRows()));
    const node = nodeWith(spent);
    pools.adopt(node, site, rows);
    const closed = new Set([4]);
    for (const pods of later) {
      pools.next(node, resolved, pods, {
        isCarried: () => true,
        isHeldBack: ({ offset }) => closed.has(offset) || offset > 5,
        isForgotten: () => true,
        isInForce: () => false,
        foreignTags: new Set(),
        now: 0,
      });
      for (const { offset, isClosed } of pools.planned("n1") ?? []) if (isClosed) closed.add(offset);
    }
    const open = pools.planned("n1")?.filter(({ offset, isClosed }) => offset <= 5 && !isClosed);
    assert.deepEqual(open?.map(({ offset }) => offset).toSorted(), stays, what);
  }
});

test("after a restart the pool of a node that is listed late is taken over as it was", () => {
  const offer = {
    ...{ line: "ab", from: 0, generation: 7, asked: 1 },
    ...{ open: [], closed: [port(3, 1), port(9, 2)], withdrawn: [] },
  };
  const node = aNode("n1", { annotations: poolOfferAnnotation(offer) });
  const rows = [port(3, 1), port(9, 2)].map((row) => ({
    ...row,
    ...{ node: "n1", parent: "vm", isHeldBack: row.offset === 3 },
  }));
  const options = { isNested: true, marks: { low: 2, high: 4 }, random: () => 0.5 };
  const pools = new Pools(options, namesOf("demo"), new Api().patch, new PodAddresses(new PortRows()));
  pools.adoptLater("n1", rows);
  const pod = aPod("web-1", { podIps: ["10.244.0.9"] });
  assert.equal(pools.placeOf(resolved, pod), 9, "rows prove it before the node is there");
  pools.next(node, resolved, [], {
    isCarried: () => true,
    isHeldBack: ({ offset }) => offset !== 9,
    isForgotten: () => true,
    isInForce: () => false,
    foreignTags: new Set(),
    now: 0,
  });
  assert.equal(pools.placeOf(resolved, pod), 9);
  const planned = pools.planned("n1")?.filter(({ offset }) => offset === 3 || offset === 9);
  assert.deepEqual(planned, [
    { offset: 3, tag: 1, isClosed: true },
    { offset: 9, tag: 2, isClosed: false },
  ]);
});

test("after a restart ports that no offer names are closed or offered once their agent has given them back", async () => {
  const api = new Api();
  const options = { isNested: true, marks: { low: 2, high: 4 }, random: () => 0.5 };
  const pools = new Pools(options, namesOf("demo"), api.patch, new PodAddresses(new PortRows()));
  const rows = [3, 4, 5, 6, 7, 8].map((offset) => ({
    ...port(offset, offset),
    ...{ node: "n1", parent: "vm", isHeldBack: false },
  }));
  api.put(aNode("n1"));
  const offered = () => poolOfferOf(api.node("n1")) ?? assert.fail("no offer");
  pools.adopt(api.node("n1"), site, rows);
  for (let round = 0; round < 4; round++) {
    const planned = pools.planned("n1") ?? [];
    pools.next(api.node("n1"), resolved, [], {
      isCarried: () => true,
      isHeldBack: ({ offset }) => planned.some((one) => one.offset === offset && one.isClosed),
      isForgotten: () => true,
      isInForce: () => false,
      foreignTags: new Set(),
      now: round * 10_000,
    });
    await pools.write(api.node("n1"));
    const { line, generation } = offered();
    const seen = poolSeenAnnotation({ line, generation, used: [], spent: [] });
    const node = api.node("n1");
    api.put({ ...node, annotations: { ...node.annotations, ...seen } });
  }
  const { open, closed, withdrawn } = offered();
  assert.deepEqual(withdrawn, []);
  assert.ok(open.length >= 2 && closed.length >= 2, JSON.stringify({ open, closed }));
  assert.equal(pools.planned("n1")?.length, open.length + closed.length);
});
