import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../model/ip.ts";
import { nodePodLimit } from "../model/limits.ts";
import { marksFor, mostPorts } from "./poolSize.ts";

const subnet = parseCidr("fd00::/64") ?? assert.fail();

test("a node keeps between a sixteenth and a quarter of the pods that it is likely to run", () => {
  assert.deepEqual(marksFor({ pods: 110, cpus: 8, memoryBytes: 64 * 2 ** 30 }, undefined), {
    low: 7,
    high: 28,
  });
});

test("a node that reports a million pods gets no more ports than a large one", () => {
  const node = { pods: 1e6, cpus: 1e6, memoryBytes: 2 ** 60 };
  const marks = marksFor(node, undefined);
  assert.deepEqual(marks, { low: Math.ceil(nodePodLimit / 16), high: nodePodLimit / 4 });
  assert.deepEqual(mostPorts(node, marks, [subnet], false), {
    ports: nodePodLimit + 2 * marks.high,
    because: `the node runs at most ${nodePodLimit} pods`,
  });
});
