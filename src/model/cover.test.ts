import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cover } from "./cover.ts";
import { addressAt, type Cidr, contains, formatCidr, parseCidr } from "./ip.ts";

const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);
const covered = (...texts: readonly string[]): readonly string[] => cover(texts.map(cidr)).map(formatCidr);

test("blocks that another one has are dropped, and halves become one", () => {
  assert.deepEqual(covered(), []);
  assert.deepEqual(covered("10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"), ["10.0.0.0/8"]);
  assert.deepEqual(covered("10.0.0.128/25", "10.0.0.0/26", "10.0.0.64/26"), ["10.0.0.0/24"]);
  assert.deepEqual(covered("10.0.1.0/24", "10.0.2.0/24"), ["10.0.1.0/24", "10.0.2.0/24"]);
  assert.deepEqual(covered("8000::/1", "::/1", "128.0.0.0/1", "0.0.0.0/1"), ["0.0.0.0/0", "::/0"]);
});

test("five thousand addresses in a row are a few blocks", () => {
  const addresses = Array.from({ length: 5_000 }, (_, i) => `172.16.${i >> 8}.${i & 255}/32`);
  assert.equal(covered(...addresses.toReversed()).length, 5);
});

test("exactly the same addresses are covered, each once, and no two blocks are one", () => {
  const space = cidr("10.0.0.0/27");
  const part = fc
    .record({ bits: fc.integer({ min: 27, max: 32 }), offset: fc.bigInt(0n, 31n) })
    .map(({ bits, offset }) => cidr(`10.0.0.${offset}/${bits}`));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (blocks) => {
      const found = cover(blocks);
      for (let offset = 0n; offset < 32n; offset++) {
        const ip = addressAt(space, offset);
        const count = found.filter((one) => contains(one, ip)).length;
        assert.equal(count, blocks.some((one) => contains(one, ip)) ? 1 : 0);
      }
      assert.deepEqual(cover(found.toReversed()), found);
    }),
  );
});
