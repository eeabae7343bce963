import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { addressAt, contains, formatIp, overlaps, parseCidr, parseIp, sizeOf } from "./ip.ts";

const address = fc.oneof(fc.ipV4(), fc.ipV6());
/** ipaddr.js 2.x reads `::1.2.3.4` as `::ffff:1.2.3.4`; RFC 4291, section 2.5.5, tells the two apart. */
const isMisread = (text: string): boolean => /^::\d+\./.test(text);

test("an address survives printing and parsing, and prints as the oracle prints it", () => {
  fc.assert(
    fc.property(address, (text) => {
      const ip = parseIp(text);
      assert.ok(ip);
      const printed = formatIp(ip);
      assert.deepEqual(parseIp(printed), ip);
      if (isMisread(text)) return;
      const oracle = ipaddr.parse(text);
      assert.equal(printed, oracle instanceof ipaddr.IPv6 ? oracle.toRFC5952String() : oracle.toString());
    }),
  );
});

test("the last four bytes of an IPv6 address may be dotted, and are not mapped for that", () => {
  for (const [text, printed] of [
    ["::1.2.3.4", "::102:304"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
    ["::0.0.0.0", "::"],
  ] as const) {
    const ip = parseIp(text);
    assert.ok(ip);
    assert.equal(formatIp(ip), printed);
  }
});

test("membership in a prefix agrees with the oracle", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (a, b, bits) => {
      const cidr = parseCidr(`${a}/${bits}`);
      const ip = parseIp(b);
      assert.ok(cidr && ip);
      assert.equal(contains(cidr, ip), ipaddr.IPv4.parse(b).match([ipaddr.IPv4.parse(a), bits]));
    }),
  );
});

for (const text of [
  "",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "256.1.1.1",
  "1.2.3.4 ",
  "::1::",
  "1:2:3:4:5:6:7",
  "g::",
  "fe80::1%eth0",
  "1.2.3.4/24",
  "::1.2.3.400",
  ":1:2:3:4:5:6:7",
]) {
  test(`${JSON.stringify(text)} is no address`, () => assert.equal(parseIp(text), undefined));
}

for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/01", "::/129", "/24"]) {
  test(`${JSON.stringify(text)} is no prefix`, () => assert.equal(parseCidr(text), undefined));
}

test("a prefix forgets its host bits and counts its addresses", () => {
  const cidr = parseCidr("10.1.2.77/24");
  assert.ok(cidr);
  assert.equal(sizeOf(cidr), 256n);
  assert.equal(formatIp(addressAt(cidr, 5n)), "10.1.2.5");
});

test("prefixes overlap when one holds the other", () => {
  const [wide, narrow, other] = ["10.0.0.0/8", "10.9.0.0/16", "11.0.0.0/8"].map((text) => parseCidr(text));
  assert.ok(wide && narrow && other);
  assert.ok(overlaps(wide, narrow) && overlaps(narrow, wide));
  assert.ok(!overlaps(narrow, other));
});
