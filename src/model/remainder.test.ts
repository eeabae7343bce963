import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressAt, type Cidr, contains, formatCidr, parseCidr } from "./ip.ts";
import { remainder } from "./remainder.ts";

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed;
};
const left = (range: string, ...except: readonly string[]): readonly string[] =>
  remainder(cidr(range), except.map(cidr)).map(formatCidr);

test("what is left of a block", () => {
  assert.deepEqual(left("10.0.0.0/8"), ["10.0.0.0/8"]);
  assert.deepEqual(left("10.0.0.0/8", "10.0.0.0/8"), []);
  assert.deepEqual(left("10.0.0.0/24", "10.0.0.64/26"), ["10.0.0.0/26", "10.0.0.128/25"]);
  assert.deepEqual(left("10.0.0.0/31", "10.0.0.1/32"), ["10.0.0.0/32"]);
  assert.equal(left("::/0", "2001:db8::1/128").length, 128);
});

test("five thousand exceptions leave blocks in proportion to them", () => {
  const except = Array.from({ length: 5_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1/32`);
  assert.ok(left("0.0.0.0/0", ...except).length <= 5_000 * 32);
});

test("an address is in what is left exactly if it is in the block and in none of the exceptions", () => {
  const block = cidr("10.0.0.0/24");
  const part = fc
    .record({ bits: fc.integer({ min: 24, max: 32 }), offset: fc.bigInt(0n, 255n) })
    .map(({ bits, offset }) => cidr(`10.0.0.${offset}/${bits}`));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), fc.bigInt(0n, 255n), (except, offset) => {
      const ip = addressAt(block, offset);
      const parts = remainder(block, except).filter((one) => contains(one, ip)).length;
      assert.equal(parts, except.some((one) => contains(one, ip)) ? 0 : 1);
    }),
  );
});
