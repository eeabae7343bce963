import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { OwnerQueue, type QueueOptions } from "./queue.ts";

function queueOf(
  work: QueueOptions["work"],
  more: Partial<QueueOptions> = {},
): { queue: OwnerQueue; stop: () => Promise<void> } {
  const queue = new OwnerQueue({
    isFirst: (owner) => owner === "cluster",
    work,
    firstBackoffMs: 1,
    maxBackoffMs: 4,
    random: () => 0,
    sliceMs: 5,
    ...more,
  });
  const stopping = new AbortController();
  const running = queue.run(stopping.signal);
  return {
    queue,
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

test("an owner that is asked for many times is planned once", async () => {
  const seen: string[] = [];
  const { queue, stop } = queueOf(async (owner) => void seen.push(owner));
  for (let i = 0; i < 5; i++) queue.add("pod/a");
  queue.add("pod/b");
  await queue.idle();
  assert.deepEqual(seen, ["pod/a", "pod/b"]);
  assert.equal(queue.depth, 0);
  await stop();
});

test("an owner that changes while it is being planned is planned again, never twice at once", async () => {
  let inHand = 0;
  let most = 0;
  let runs = 0;
  const begun = Promise.withResolvers<void>();
  const { queue, stop } = queueOf(async () => {
    most = Math.max(most, ++inHand);
    runs++;
    begun.resolve();
    await turn();
    inHand--;
  });
  queue.add("pod/a");
  await begun.promise;
  queue.add("pod/a");
  await queue.idle();
  assert.deepEqual([runs, most], [2, 1]);
  await stop();
});

test("an owner that fails comes back after its back-off, and does not hold up others", async () => {
  const seen: string[] = [];
  const done = Promise.withResolvers<void>();
  const { queue, stop } = queueOf(async (owner) => {
    seen.push(owner);
    if (owner === "pod/bad" && seen.filter((one) => one === owner).length < 4) throw new Error("no");
    if (owner === "pod/bad") done.resolve();
  });
  queue.add("pod/bad");
  queue.add("pod/good");
  await done.promise;
  assert.deepEqual(seen, ["pod/bad", "pod/good", "pod/bad", "pod/bad", "pod/bad"]);
  await stop();
  assert.equal(queue.failing, 0);
});

test("an owner that is queued with a delay is planned after the delay", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const seen: string[] = [];
  const { queue, stop } = queueOf(async (owner) => void seen.push(owner));
  queue.addLater("pod/a", 1_000);
  assert.equal(queue.depth, 0);
  context.mock.timers.tick(999);
  await turn();
  assert.deepEqual(seen, []);
  context.mock.timers.tick(1);
  await queue.idle();
  assert.deepEqual(seen, ["pod/a"]);
  await stop();
});

test("an owner that is queued again before its delay is over is planned once, and so is one that already waits", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const seen: string[] = [];
  const { queue, stop } = queueOf(async (owner) => void seen.push(owner));
  queue.addLater("pod/before", 1_000);
  queue.add("pod/before");
  queue.add("pod/waits");
  queue.addLater("pod/waits", 1_000);
  await queue.idle();
  assert.deepEqual(seen, ["pod/before", "pod/waits"]);
  context.mock.timers.tick(1_000);
  await queue.idle();
  assert.deepEqual(seen, ["pod/before", "pod/waits"]);
  await stop();
});

test("of the owners that come back, only those whose last plan failed count as failing", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let mayEnd = false;
  const { queue, stop } = queueOf(async (owner) => {
    // As the planner does for an owner whose plan is good for a while only.
    if (owner === "pod/later") queue.addLater(owner, 1_000);
    else if (!mayEnd) throw new Error("no");
  });
  for (const owner of ["pod/later", "pod/bad", "pod/worse"] as const) queue.add(owner);
  await queue.idle();
  assert.equal(queue.failing, 2);
  assert.equal(queue.hasFailed("pod/later"), false);
  mayEnd = true;
  context.mock.timers.tick(1_000);
  await queue.idle();
  assert.equal(queue.failing, 0);
  await stop();
});

test("a stopped queue keeps its owners, and continues when it is run again", async () => {
  const seen: string[] = [];
  const { queue, stop } = queueOf(async (owner) => void seen.push(owner));
  await stop();
  queue.add("pod/a");
  assert.deepEqual(seen, []);
  const again = new AbortController();
  const running = queue.run(again.signal);
  await queue.idle();
  assert.deepEqual(seen, ["pod/a"]);
  again.abort();
  await running;
});

test("idle resolves when the queue stops, and does not wait for back-offs", async () => {
  let mayEnd = false;
  const { queue, stop } = queueOf(
    async (owner) => {
      if (owner === "node/refused" && !mayEnd) throw new Error("refused");
      if (owner === "pod/slow") await new Promise<void>(() => undefined);
    },
    { firstBackoffMs: 60_000, maxBackoffMs: 60_000 },
  );
  queue.add("node/refused");
  queue.add("pod/a");
  await queue.idle();
  assert.deepEqual([queue.hasFailed("node/refused"), queue.hasFailed("pod/a")], [true, false]);
  const next = queue.nextIdle();
  mayEnd = true;
  queue.add("node/refused");
  await next;
  assert.equal(queue.hasFailed("node/refused"), false);
  queue.add("pod/slow");
  await turn();
  const never = queue.idle();
  await stop();
  await never;
});

test("owners that wait for an answer, however many, hold up nobody else", async () => {
  const answer = Promise.withResolvers<void>();
  const served = Promise.withResolvers<void>();
  let pods = 0;
  const { queue, stop } = queueOf(async (owner) => {
    if (owner === "service/shop/web") return served.resolve();
    pods++;
    await answer.promise;
  });
  for (let pod = 0; pod < 1_000; pod++) queue.add(`pod/shop/p${pod}`);
  queue.add("service/shop/web");
  await served.promise;
  queue.add("pod/shop/p0");
  answer.resolve();
  await queue.idle();
  assert.equal(pods, 1_001);
  await stop();
});

test("an owner that others build upon is taken before all that wait", async () => {
  const seen: string[] = [];
  const { queue, stop } = queueOf(async (owner) => {
    seen.push(owner);
    if (owner === "node/a") queue.add("cluster");
  });
  for (const owner of ["pod/a", "node/a", "pod/b", "cluster"]) queue.add(owner);
  assert.equal(queue.isWaiting("cluster"), true);
  assert.equal(queue.depth, 4);
  await queue.idle();
  assert.deepEqual(seen, ["cluster", "pod/a", "node/a", "cluster", "pod/b"]);
  await stop();
});
