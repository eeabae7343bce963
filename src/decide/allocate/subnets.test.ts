import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clusterNetwork, defaultJoin } from "../../config/ranges.ts";
import { type Cidr, formatCidr, overlaps, parseCidr } from "../../model/ip.ts";
import { nodeIds } from "../../model/network.ts";
import { ExhaustedError } from "../errors.ts";
import { NodeIds } from "./nodeIds.ts";
import { Subnets } from "./subnets.ts";

const network = (...pods: readonly string[]) => clusterNetwork({ pods, services: [], join: defaultJoin });
const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);

test("subnets are cut in order, from one range after the other, and the error at the end says what to do", () => {
  const subnets = new Subnets(network("10.244.0.0/23/24", "10.250.0.0/24/24"));
  const given = ["a", "b", "c"].map((node) => formatCidr(subnets.take(node, 4)));
  assert.deepEqual(given, ["10.244.0.0/24", "10.244.1.0/24", "10.250.0.0/24"]);
  assert.throws(
    () => subnets.take("d", 4),
    (error) =>
      error instanceof ExhaustedError &&
      error.message ===
        "node d: no subnet left in 10.244.0.0/23 (/24 a node), 10.250.0.0/24 (/24 a node); add a pod range or remove nodes",
  );
});

test("a released subnet rests until the others have been given", () => {
  const subnets = new Subnets(network("10.244.0.0/22/24"));
  subnets.take("a", 4);
  subnets.release("a");
  const given = ["b", "c", "d", "e"].map((node) => formatCidr(subnets.take(node, 4)));
  assert.deepEqual(given, ["10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24", "10.244.0.0/24"]);
});

test("a claim is refused when another node holds the subnet, or when no range contains it", () => {
  const subnets = new Subnets(network("10.244.0.0/16"));
  assert.equal(subnets.claim("a", cidr("10.244.7.0/24")), true);
  assert.equal(subnets.claim("a", cidr("10.244.7.0/24")), true);
  assert.equal(subnets.claim("b", cidr("10.244.7.0/24")), false);
  for (const foreign of ["10.244.8.0/25", "10.245.0.0/24", "10.244.0.0/16"]) {
    assert.equal(subnets.knows(cidr(foreign)), false, foreign);
    assert.equal(subnets.claim("b", cidr(foreign)), false, foreign);
  }
  assert.equal(formatCidr(subnets.take("b", 4)), "10.244.8.0/24");
});

test("no two nodes ever hold subnets that overlap, whatever comes and goes", () => {
  const action = fc.record({ node: fc.integer({ min: 0, max: 12 }), leave: fc.boolean() });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const subnets = new Subnets(network("10.244.0.0/22/24", "10.250.0.0/23/24"));
      const held = new Map<string, Cidr>();
      for (const { node, leave } of actions) {
        const name = `n${node}`;
        if (leave) {
          subnets.release(name);
          held.delete(name);
        } else if (!held.has(name) && held.size < 6) held.set(name, subnets.take(name, 4));
        const all = [...held.values()];
        for (const [index, one] of all.entries()) {
          assert.ok(!all.slice(index + 1).some((other) => overlaps(one, other)));
        }
      }
    }),
  );
});

test("node ids run from 2 to 5000, each given once", () => {
  const ids = new NodeIds();
  assert.equal(ids.claim("first", 4), true);
  assert.equal(ids.claim("second", 4), false);
  const given = new Set([4]);
  for (let node = nodeIds.first; node < nodeIds.last; node++) given.add(ids.take(`n${node}`));
  assert.equal(given.size, nodeIds.last - nodeIds.first + 1);
  assert.deepEqual([Math.min(...given), Math.max(...given)], [2, 5000]);
  assert.throws(() => ids.take("more"), ExhaustedError);
  ids.release("n17");
  assert.ok(ids.take("more") > 0);
});
