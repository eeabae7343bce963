import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../../model/ip.ts";
import { namesOf } from "../../model/names.ts";
import { isTold } from "./acknowledge.ts";
import { offerIn } from "./offer.ts";

const scope = { names: namesOf("demo"), nodeName: "n1", nested: false };
const subnets = ["10.244.1.0/24"].flatMap((text) => parseCidr(text) ?? []);
const ports = (...offsets: readonly number[]) => offsets.map((offset) => ({ offset, tag: undefined }));
const offer = offerIn(scope, subnets, {
  generation: 4,
  open: ports(5),
  closed: ports(6),
  withdrawn: ports(7, 8),
});

test("a claim is not told, but a withdrawn port that became free is, and one that is spent", () => {
  const told = { generation: 4, used: [7], spent: [] };
  assert.equal(isTold(offer, told, { generation: 4, used: [7], spent: [] }), true);
  assert.equal(isTold(offer, told, { generation: 4, used: [5, 6, 7], spent: [] }), true);
  assert.equal(isTold(offer, told, { generation: 4, used: [5], spent: [] }), false);
  assert.equal(isTold(offer, told, { generation: 4, used: [6, 7], spent: [6] }), false);
  assert.equal(isTold(offer, told, { generation: 5, used: [7], spent: [] }), false);
  assert.equal(isTold(offer, undefined, { generation: 4, used: [], spent: [] }), false);
});

test("ports that cannot be this node's are not taken in", () => {
  const strange = [
    { offset: 5, tag: 7 },
    { offset: 256, tag: undefined },
    { offset: 70000, tag: undefined },
  ];
  const { ports: taken } = offerIn(scope, subnets, {
    generation: 1,
    open: strange,
    closed: ports(9),
    withdrawn: [],
  });
  assert.deepEqual(
    [...taken.values()].map(({ offset }) => offset),
    [9],
  );
});
