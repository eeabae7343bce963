import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, figureTable, meets, ratioOf, repeated } from "./figure.ts";
import { inTurn, Side } from "./inTurn.ts";

const turns = { fewest: 3, most: 10 };

/** Gives each of `values` as a block, and the last one again and again; notes its name. */
const sideOf = (values: readonly number[], name = "", order: string[] = []): Side =>
  new Side(async (block) => {
    order.push(`${name}${block}`);
    return [values[Math.min(block, values.length - 1)] ?? 0];
  });

test("the sides take turns, block by block", async () => {
  const order: string[] = [];
  const [own, limit, other] = [sideOf([2], "a", order), sideOf([1], "b", order), sideOf([4], "c", order)];
  await inTurn(
    [
      [own, limit],
      [other, own],
    ],
    { fewest: 2, most: 2 },
  );
  assert.deepEqual(order, ["a0", "b0", "c0", "a1", "b1", "c1"]);
});

test("unsteady ratios are measured again until they are steady", async () => {
  const [own, limit] = [sideOf([1, 3, 2]), sideOf([1])];
  await inTurn([[own, limit]], turns);
  const { length } = own.blocks;
  assert.ok(length > turns.fewest && length < turns.most, `${length} blocks`);
});

test("what never becomes steady ends at the bound, and the table says so", async () => {
  const own = new Side(async (block) => [1 + (block % 2)]);
  const limit = sideOf([1]);
  await inTurn([[own, limit]], turns);
  assert.equal(own.blocks.length, turns.most);
  const figure = compared({ name: "wild", unit: "ms", own, limit: { name: "bare", side: limit } });
  assert.match(figureTable([figure]), /1\.00 to 2\.00 of 10, unsteady/);
});

test("a machine that grows slower changes the times, not the ratio", async () => {
  const slower = (factor: number): Side => new Side(async (block) => [factor * 2 ** block]);
  const [own, limit] = [slower(1.2), slower(1)];
  await inTurn([[own, limit]], turns);
  const figure = compared({ name: "x", unit: "ms", own, limit: { name: "bare", side: limit }, aim: 1.25 });
  assert.equal(own.blocks.length, turns.fewest);
  assert.equal(ratioOf(figure)?.toFixed(6), "1.200000");
  assert.equal(meets(figure), true);
});

test("blocks too small for a quantile give one ratio of all of them", () => {
  const own = { blocks: [[1, 2], [4]] };
  const limit = { name: "bare", side: { blocks: [[2], [2]] } };
  const figure = compared({ name: "tail", unit: "ms", share: 0.99, own, limit });
  assert.equal(figure.each, undefined);
  assert.equal(ratioOf(figure), 2);
});

test("what has no limit is judged by its median", () => {
  const figure = repeated("restart", "s", [9, 30, 10], 10);
  assert.equal(figure.value, 10);
  assert.equal(meets(figure), true);
  assert.match(figureTable([figure]), /9\.0 to 30\.0 of 3, unsteady/);
});
