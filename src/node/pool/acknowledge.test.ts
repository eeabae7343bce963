import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../../model/ip.ts";
import { namesOf } from "../../model/names.ts";
import { answers } from "./acknowledge.ts";
import { offerIn } from "./offer.ts";

const scope = { names: namesOf("demo"), nodeName: "n1", nested: false };
const subnets = ["10.244.1.0/24"].flatMap((text) => parseCidr(text) ?? []);
const ports = (...offsets: readonly number[]) => offsets.map((offset) => ({ offset, tag: undefined }));

test("a claim is not told, but a withdrawn port that became free is, and one that is spent", () => {
  const told = { line: "a", generation: 4, used: [7], spent: [] };
  const isTold = (used: readonly number[], spent: readonly number[] = [], asked = 4): boolean =>
    answers(told, asked, new Set([7, 8]), { line: "a", generation: 6, used, spent });
  assert.equal(isTold([7]), true);
  assert.equal(isTold([5, 6, 7]), true);
  assert.equal(isTold([5]), false);
  assert.equal(isTold([6, 7], [6]), false);
  assert.equal(isTold([7], [], 5), false, "something was taken back since");
  const another = { line: "b", generation: 6, used: [7], spent: [] };
  assert.equal(answers(told, 4, new Set([7, 8]), another), false, "it was said to another line");
  assert.equal(answers(told, undefined, new Set([7, 8]), another), true, "which has asked nothing yet");
  assert.equal(answers(undefined, 4, new Set(), { line: "a", generation: 4, used: [], spent: [] }), false);
});

test("ports that cannot be this node's are not taken in", () => {
  const strange = [
    { offset: 5, tag: 7 },
    { offset: 256, tag: undefined },
    { offset: 70000, tag: undefined },
  ];
  const { ports: taken } = offerIn(scope, subnets, {
    line: "a",
    from: 0,
    generation: 1,
    asked: 1,
    open: strange,
    closed: ports(9),
    withdrawn: [],
  });
  assert.deepEqual(
    [...taken.values()].map(({ offset }) => offset),
    [9],
  );
});
