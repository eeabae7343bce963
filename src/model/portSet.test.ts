import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allPorts,
  hasPort,
  isEmpty,
  isWholeProtocol,
  noPorts,
  portSetOf,
  union,
  without,
} from "./portSet.ts";

const protocol = fc.constantFrom("TCP", "UDP", "SCTP");
const port = fc.integer({ min: 1, max: 12 });
const entry = fc.record({
  protocol,
  port: fc.option(
    fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
    { nil: undefined },
  ),
});
const anySet = fc.oneof(
  fc.constant(allPorts),
  fc.constant(noPorts),
  fc.array(entry, { maxLength: 4 }).map(portSetOf),
);

test("what is left, what is joined and what is in a set agree for every port", () => {
  fc.assert(
    fc.property(anySet, anySet, protocol, fc.integer({ min: 0, max: 14 }), (a, b, of, number) => {
      const [inA, inB] = [hasPort(a, of, number), hasPort(b, of, number)];
      assert.equal(hasPort(without(a, b), of, number), inA && !inB);
      assert.equal(hasPort(union(a, b), of, number), inA || inB);
    }),
  );
});

test("what has no ports goes with all of them only", () => {
  const udp = portSetOf([{ protocol: "UDP", port: undefined }]);
  assert.ok(without(allPorts, udp).others);
  assert.ok(!without(allPorts, allPorts).others);
  assert.ok(isEmpty(without(udp, allPorts)));
});

test("a protocol is whole when its ranges are joined to all ports", () => {
  const low = portSetOf([{ protocol: "TCP", port: { from: 1, to: 80 } }]);
  assert.ok(isWholeProtocol(union(without(allPorts, low), low), "TCP"));
  assert.ok(!isWholeProtocol(without(allPorts, low), "TCP"));
});
