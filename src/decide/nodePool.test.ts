import assert from "node:assert/strict";
import { test } from "node:test";
import { poolOfferAnnotation, poolOfferOf } from "../kube/annotations.ts";
import { hasAsked, isAsLate } from "../model/pool.ts";
import { NodePool } from "./nodePool.ts";
import { filled, inputs, marks, nothing, offsets, Source, seen } from "./nodePoolFixture.ts";
import { marksFor, mostPorts } from "./poolSize.ts";

test("a port is offered only when OVN carries it", () => {
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs({ isReady: () => false }));
  assert.equal(pool.ports.length, 8);
  assert.deepEqual(pool.offer, { ...nothing, open: [], closed: [], withdrawn: [] });
  pool.next(inputs({ isReady: ({ offset }) => offset === 3 }));
  assert.deepEqual(offsets(pool.offer.closed), [3]);
});

test("a pool that falls below the low mark is filled to the middle, each kind by itself", () => {
  const pool = filled();
  assert.deepEqual([pool.offer.closed.length, pool.offer.open.length], [4, 4]);
  const used = new Set(offsets(pool.offer.open).slice(0, 2));
  pool.next(inputs({ inUse: used }));
  assert.equal(pool.ports.length, 8, "two are left, which is not below two");
  used.add(pool.offer.open[2]?.offset ?? 0);
  pool.next(inputs({ inUse: used }));
  assert.equal(pool.ports.length, 11);
});

test("above the high mark ports are withdrawn, and go once the agent has acknowledged it", () => {
  const pool = filled();
  const used = new Set(offsets(pool.offer.open));
  for (let round = 0; round < 2; round++) pool.next(inputs({ inUse: used }));
  assert.equal(pool.offer.open.length, 8);
  pool.next(inputs());
  assert.deepEqual([pool.offer.open.length, pool.offer.withdrawn.length], [4, 4]);
  const { generation, asked } = pool.offer;
  assert.equal(asked, generation);
  pool.next(inputs({ seen: seen(generation - 1) }));
  assert.equal(pool.ports.length, 12, "an older acknowledgement does not count");
  const [claimed = 0] = offsets(pool.offer.withdrawn);
  pool.next(inputs({ seen: seen(generation, [claimed]) }));
  assert.deepEqual(offsets(pool.offer.withdrawn), [claimed]);
  assert.deepEqual([pool.offer.generation, pool.offer.asked], [generation + 1, asked]);
  pool.next(inputs({ seen: seen(generation) }));
  assert.equal(pool.ports.length, 8, "the acknowledgement counts, whatever was offered since");
});

for (const kind of ["closed", "open"] as const)
  test(`a spent port that was ${kind} comes back by being withdrawn, acknowledged and offered anew`, () => {
    const pool = filled();
    const [port = 0, ...others] = offsets(pool.offer[kind]);
    const spent = seen(pool.offer.generation, [port], [port]);
    pool.next(inputs({ seen: spent, inUse: new Set([port]) }));
    assert.deepEqual(offsets(pool.offer.withdrawn), [], "its pod is still there");
    pool.next(inputs({ seen: spent }));
    assert.deepEqual(offsets(pool.offer.withdrawn), [port]);
    assert.deepEqual(offsets(pool.offer[kind]), others, "no more than the low mark is missing");
    for (let round = 0; round < 2; round++) pool.next(inputs({ seen: seen(pool.offer.asked) }));
    assert.ok(offsets(pool.offer[kind]).includes(port));
  });

test("a port that a pod had is offered as open only when no policy counts it as that pod's any more", () => {
  const pool = filled();
  const [port = 0] = offsets(pool.offer.open);
  pool.next(inputs({ seen: seen(pool.offer.generation, [port], [port]) }));
  const remembered = { seen: seen(pool.offer.asked), isForgotten: () => false };
  for (let round = 0; round < 3; round++)
    assert.ok(pool.next(inputs(remembered)).againMs === 200 || round === 0);
  assert.ok(!offsets(pool.offer.open).includes(port));
  pool.next(inputs({ seen: seen(pool.offer.asked) }));
  assert.ok(offsets(pool.offer.open).includes(port));
});

test("a port that OVN no longer carries is withdrawn, but not from a pod", () => {
  const pool = filled();
  const [first = 0] = offsets(pool.offer.open);
  pool.next(inputs({ isReady: () => false, inUse: new Set([first]) }));
  assert.deepEqual(offsets(pool.offer.open), [first]);
  assert.deepEqual([pool.offer.closed.length, pool.offer.withdrawn.length], [0, 7]);
});

test("while it waits for the agent, it takes no new places for ports that will come back", () => {
  const pool = filled();
  for (let round = 0; round < 5; round++) pool.next(inputs({ isReady: () => false }));
  assert.equal(pool.ports.length, 8);
});

test("a port whose tag somebody else also uses is withdrawn, and its tag not taken again", () => {
  const pool = filled();
  const [first = 0] = offsets(pool.offer.open);
  pool.next(inputs({ foreignTags: new Set([first]) }));
  assert.deepEqual(offsets(pool.offer.withdrawn), [first]);
  pool.next(inputs({ foreignTags: new Set([first]), seen: seen(pool.offer.asked) }));
  assert.equal(pool.port(first), undefined);
});

test("a pod's port whose tag somebody else also uses stays, and people are told", () => {
  const pool = filled();
  const [first = 0] = offsets(pool.offer.open);
  const { problem } = pool.next(inputs({ foreignTags: new Set([first]), inUse: new Set([first]) }));
  assert.match(problem ?? "", new RegExp(`running pods share the VLAN tags ${first} `));
  assert.ok(offsets(pool.offer.open).includes(first));
});

test("a pool that cannot grow says what limits it", () => {
  const pool = new NodePool(new Source(), "a", undefined);
  const { problem } = pool.next(inputs({ most: { ports: 3, because: "no more tags" } }));
  assert.equal(problem, "no more ready ports than 3: no more tags");
  const enough = new NodePool(new Source(), "a", undefined).next(
    inputs({ most: { ports: 5, because: "no more tags" } }),
  );
  assert.deepEqual(
    enough,
    { problem: undefined, againMs: undefined },
    "each kind has as many as its low mark",
  );
});

test("up to the low mark a pool is filled at once, and beyond it in slices, with rests longer than the work", () => {
  const large = { marks: { low: 10, high: 50 }, most: { ports: 100, because: "" } };
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs({ ...large, isReady: () => false, now: 1000 }));
  assert.equal(pool.ports.length, 28, "both low marks, and a slice");
  assert.deepEqual(pool.next(inputs({ ...large, isReady: () => false, now: 1200 })), {
    problem: undefined,
    againMs: 9800,
  });
  const first = pool.next(inputs({ ...large, now: 1500 }));
  assert.deepEqual([pool.ports.length, first.againMs], [28, 1500], "OVN took 500 ms");
  const early = pool.next(inputs({ ...large, now: 2700 }));
  assert.deepEqual([pool.ports.length, early.againMs], [28, 300]);
  pool.next(inputs({ ...large, now: 3000 }));
  assert.equal(pool.ports.length, 36);
  const { open, closed } = pool.offer;
  const carried = new Set(offsets([...open, ...closed]));
  const used = new Set(offsets(open).slice(0, 1));
  pool.next(inputs({ ...large, isReady: ({ offset }) => carried.has(offset), inUse: used, now: 3010 }));
  assert.equal(pool.ports.length, 37, "nine are left, and one is made at once");
});

test("a pool filled in slices reaches the middle of its marks, and stops there", () => {
  const large = { marks: { low: 10, high: 50 }, most: { ports: 100, because: "" } };
  const pool = new NodePool(new Source(), "a", undefined);
  let now = 0;
  for (let slice = 0; slice < 20; slice++) {
    now += pool.next(inputs({ ...large, now })).againMs ?? 10;
  }
  assert.deepEqual(
    [pool.ports.length, pool.next(inputs({ ...large, now: now + 1e6 })).againMs],
    [60, undefined],
  );
});

test("the size follows pods, processors and memory, and is limited by subnet and tags", () => {
  const node = { pods: 110, cpus: 2, memoryBytes: 24 * 2 ** 30 };
  assert.deepEqual(marksFor(node, undefined), { low: 4, high: 16 });
  assert.deepEqual(marksFor({ pods: 110, cpus: 1, memoryBytes: 2 ** 30 }, undefined), { low: 2, high: 8 });
  assert.deepEqual(marksFor(node, { low: 8, high: 32 }), { low: 8, high: 32 });
  const wide = [{ ip: { family: 6, value: 0n }, bits: 64 } as const];
  const many = { pods: 10_000, cpus: 0, memoryBytes: 0 };
  assert.equal(mostPorts(many, marks, wide, true).ports, 4094);
  assert.match(mostPorts(many, marks, wide, true).because, /4094 VLAN tags; use more and smaller nodes/);
  const narrow = [{ ip: { family: 4, value: 0n }, bits: 28 } as const];
  assert.equal(mostPorts(node, marks, narrow, false).ports, 12);
});

test("if the agent has seen a later offer, everything is withdrawn, and offered anew when the agent knows", () => {
  const pool = filled();
  const ports = offsets(pool.ports);
  const later = seen(7, [], [], "lost");
  pool.next(inputs({ seen: later }));
  const { line, from, generation, asked, withdrawn } = pool.offer;
  assert.deepEqual([line, from, generation, asked, offsets(withdrawn)], ["a", 7, 8, 8, ports]);
  pool.next(inputs({ seen: later }));
  assert.deepEqual(
    offsets(pool.offer.withdrawn),
    ports,
    "what was said about another offer does not count for this one",
  );
  for (let round = 0; round < 2; round++) pool.next(inputs({ seen: seen(8) }));
  assert.deepEqual([pool.offer.open.length, pool.offer.closed.length], [4, 4]);
});

test("after an answer of the last generation there is, offers go on in another line, and are later than it", () => {
  const last = Number.MAX_SAFE_INTEGER;
  for (const told of [seen(last), seen(last, [], [], "f")]) {
    const pool = filled();
    const ports = pool.ports.length;
    pool.next(inputs({ seen: told }));
    const { offer } = pool;
    assert.deepEqual([offer.line, offer.from, offer.generation, offer.asked], ["b", last, 1, 1]);
    assert.deepEqual(
      poolOfferOf({ annotations: poolOfferAnnotation(offer) }),
      offer,
      "the agent can read it",
    );
    assert.ok(isAsLate(offer, told));
    assert.ok(hasAsked(offer), "the agent answers it");
    assert.equal(offer.withdrawn.length, ports);
    for (let round = 1; round <= 3; round++) {
      pool.next(inputs({ seen: seen(round, [], [], "b") }));
      assert.equal(pool.offer.line, "b");
      assert.ok(isAsLate(pool.offer, seen(round, [], [], "b")));
    }
    assert.equal(pool.offer.open.length + pool.offer.closed.length, ports);
    const next = new NodePool(new Source(), "c", pool.offer);
    next.next(inputs({ isReady: () => false, seen: seen(pool.offer.generation, [], [], "b") }));
    assert.ok(isAsLate(next.offer, pool.offer), "and so does the next controller");
  }
});

test("an answer to the previous line is neither later nor an answer to this one", () => {
  const { offer } = filled();
  const source = new Source();
  const pool = new NodePool(source, "b", offer);
  source.taken.add(5);
  pool.adopt({ offset: 5, tag: 5 }, "closed", "withdrawn");
  const last = offer.generation;
  const expected = { line: "b", from: last, generation: last + 1, asked: last + 1 };
  for (let round = 0; round < 2; round++) {
    pool.next(inputs({ isReady: () => false, seen: seen(last) }));
    assert.deepEqual(pool.offer, { ...expected, open: [], closed: [], withdrawn: [{ offset: 5, tag: 5 }] });
  }
  pool.next(inputs({ isReady: () => false, seen: seen(last + 1, [], [], "b") }));
  assert.deepEqual(pool.offer.withdrawn, []);
});

test("a controller that takes over a pool in good order changes nothing", () => {
  const { ports, offer } = filled();
  const pool = new NodePool(new Source(), "b", offer);
  for (const { kind, ...port } of ports) pool.adopt(port, kind, "offered");
  pool.next(inputs());
  assert.deepEqual(pool.offer, offer);
});

test("while OVN has not listed its ports, nothing is offered and nothing taken back", () => {
  const pool = filled();
  const { offer } = pool;
  pool.next(inputs({ isReady: () => undefined }));
  assert.deepEqual(pool.offer, offer);
  const fresh = new NodePool(new Source(), "a", undefined);
  for (let round = 0; round < 2; round++) fresh.next(inputs({ isReady: () => undefined }));
  assert.deepEqual(fresh.offer, { ...nothing, open: [], closed: [], withdrawn: [] });
});

test("ports that OVN never carries do not end the filling", () => {
  const large = { marks: { low: 10, high: 50 }, most: { ports: 100, because: "" }, isReady: () => false };
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs({ ...large, now: 0 }));
  assert.deepEqual([pool.ports.length, pool.next(inputs({ ...large, now: 4000 })).againMs], [28, 6000]);
  assert.equal(pool.next(inputs({ ...large, now: 10_000 })).againMs, 10_000);
  pool.next(inputs({ ...large, now: 20_000 }));
  assert.equal(pool.ports.length, 36);
});
