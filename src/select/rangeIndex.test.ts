import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contains, type Ip, networkOf, widthOf } from "../model/ip.ts";
import { RangeIndex } from "./rangeIndex.ts";
import { rangeSelection } from "./selection.ts";

/** Few enough that ranges often contain them. */
const anyIp: fc.Arbitrary<Ip> = fc.record({
  family: fc.constantFrom<Ip["family"]>(4, 6),
  value: fc.bigInt({ min: 0n, max: 31n }),
});
const anyCidr = fc
  .tuple(anyIp, fc.integer({ min: 0, max: 6 }))
  .map(([ip, hostBits]) => networkOf(ip, widthOf(ip.family) - hostBits));
const anyRange = fc
  .tuple(anyCidr, fc.array(anyCidr, { maxLength: 2 }))
  .map(([range, except]) => rangeSelection(range, except));

test("an address is found in the ranges that contain it and do not except it", () => {
  fc.assert(
    fc.property(
      fc.array(anyRange, { maxLength: 10 }),
      fc.array(fc.nat(9)),
      fc.array(anyIp, { maxLength: 2 }),
      (ranges, deleted, addresses) => {
        const index = new RangeIndex<number>();
        for (const [item, range] of ranges.entries()) index.add(range, item);
        for (const item of deleted) if (ranges[item]) index.delete(ranges[item], item);
        const expected = [...ranges.entries()].flatMap(([item, { range, except }]) =>
          !deleted.includes(item) &&
          addresses.some((ip) => contains(range, ip) && !except.some((each) => contains(each, ip)))
            ? [item]
            : [],
        );
        assert.deepEqual(new Set(index.holding(addresses)), new Set(expected));
      },
    ),
  );
});
