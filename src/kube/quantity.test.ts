import assert from "node:assert/strict";
import { test } from "node:test";
import { quantityOf } from "./quantity.ts";

const cases: readonly (readonly [unknown, number | undefined])[] = [
  ["110", 110],
  ["1500m", 1.5],
  ["16Gi", 16 * 2 ** 30],
  ["8155828Ki", 8_155_828 * 1024],
  ["1e3", 1000],
  ["1.5G", 1.5e9],
  ["+2", 2],
  [4, 4],
  ["-1", undefined],
  ["12 Gi", undefined],
  ["12Xi", undefined],
  ["", undefined],
  [undefined, undefined],
];
for (const [value, expected] of cases) {
  test(`${JSON.stringify(value)} is ${expected}`, () => assert.equal(quantityOf(value), expected));
}
