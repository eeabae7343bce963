import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr, formatIp } from "./ip.ts";
import { blocksOf, formatRange, inRange, parseRange, rangesMeet } from "./ipRange.ts";

const range = (text: string) => parseRange(text) ?? assert.fail(text);

test("a range is a block, an address, or two addresses with a hyphen", () => {
  assert.equal(formatRange(range("192.0.2.0/30")), "192.0.2.0-192.0.2.3");
  assert.equal(formatRange(range("192.0.2.7")), "192.0.2.7");
  assert.equal(formatRange(range("2001:db8::1 - 2001:db8::9")), "2001:db8::1-2001:db8::9");
  for (const bad of ["", "-", "192.0.2.9-192.0.2.1", "192.0.2.1-2001:db8::1", "192.0.2.1-2-3"])
    assert.equal(parseRange(bad), undefined, bad);
});

const blocks: readonly (readonly [string, readonly string[]])[] = [
  ["192.0.2.0/24", ["192.0.2.0/24"]],
  ["192.0.2.7", ["192.0.2.7/32"]],
  ["192.0.2.1-192.0.2.6", ["192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32"]],
  ["0.0.0.0-255.255.255.255", ["0.0.0.0/0"]],
  ["2001:db8::-2001:db8::2", ["2001:db8::/127", "2001:db8::2/128"]],
];
for (const [text, expected] of blocks)
  test(`${text} is ${expected.join(", ")}`, () => {
    assert.deepEqual(blocksOf(range(text)).map(formatCidr), expected);
  });

test("two ranges meet where they have an address in common", () => {
  const some = range("192.0.2.10-192.0.2.20");
  for (const meets of ["192.0.2.20-192.0.2.30", "192.0.2.0/24", "192.0.2.15", "192.0.2.5-192.0.2.10"])
    assert.ok(rangesMeet(some, range(meets)) && rangesMeet(range(meets), some), meets);
  for (const apart of ["192.0.2.21-192.0.2.30", "192.0.2.0-192.0.2.9", "2001:db8::/64"])
    assert.ok(!rangesMeet(some, range(apart)) && !rangesMeet(range(apart), some), apart);
  assert.equal(formatIp(some.last), "192.0.2.20");
  assert.ok(!inRange(some, range("::").first));
});
