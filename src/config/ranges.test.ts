import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr } from "../model/ip.ts";
import { ConfigError } from "./error.ts";
import { clusterNetwork, defaultJoin } from "./ranges.ts";

const dual = {
  pods: ["10.244.0.0/16", "fd00:10:244::/48"],
  services: ["10.96.0.0/16", "fd00:10:96::/112"],
  join: defaultJoin,
};

test("a range without a node prefix length gets /24 or /64", () => {
  const { pods, families } = clusterNetwork(dual);
  assert.deepEqual(
    pods.map(({ cidr, nodeBits }) => [formatCidr(cidr), nodeBits]),
    [
      ["10.244.0.0/16", 24],
      ["fd00:10:244::/48", 64],
    ],
  );
  assert.deepEqual(families, [4, 6]);
});

test("the family of the first pod range leads, and only the join ranges of the cluster's families count", () => {
  const { families } = clusterNetwork({ ...dual, pods: dual.pods.toReversed() });
  assert.deepEqual(families, [6, 4]);
  const single = clusterNetwork({ pods: ["10.244.0.0/16/26"], services: [], join: defaultJoin });
  assert.deepEqual(single.join.map(formatCidr), ["100.64.0.0/16"]);
  assert.equal(single.pods[0]?.nodeBits, 26);
});

const senseless: readonly (readonly [string, Partial<typeof dual>, RegExp])[] = [
  ["no pod range", { pods: [] }, /no pod range is given/],
  [
    "a text that is no range",
    { pods: ["10.244.0.0"] },
    /pod range 10\.244\.0\.0.*: not an address with a prefix length/,
  ],
  ["host bits", { pods: ["10.244.0.7/16"] }, /not a network address; did you mean 10\.244\.0\.0\/16\?/],
  ["a node prefix shorter than the range", { pods: ["10.244.0.0/24/16"] }, /a node's \/16 does not fit/],
  ["a node prefix without room", { pods: ["10.244.0.0/16/30"] }, /at most 29/],
  ["a node prefix that is no number", { pods: ["10.244.0.0/16/x"] }, /at most 29/],
  ["a fourth part", { pods: ["10.244.0.0/16/24/8"] }, /at most 29/],
  [
    "two lengths in one family",
    { pods: ["10.244.0.0/16/24", "10.245.0.0/16/25"] },
    /one family has one length/,
  ],
  ["pod ranges that overlap", { pods: [...dual.pods, "10.0.0.0/8"] }, /pod range .* overlaps pod range/],
  ["a service range among the pods", { services: ["10.244.5.0/24"] }, /service range .* overlaps pod range/],
  [
    "a join range among the services",
    { join: ["10.96.0.0/16", "fd98::/64"] },
    /join range .* overlaps service range/,
  ],
  ["a service range of a family without pods", { pods: ["10.244.0.0/16"] }, /service range of IPv6/],
  ["no join range", { join: ["100.64.0.0/16"] }, /exactly one join range of IPv6/],
  [
    "a join range that is too small",
    { join: ["100.64.0.0/24", "fd98::/64"] },
    /no room for 5000 gateway routers/,
  ],
  ["loopback", { pods: ["127.0.0.0/8/24"] }, /contains addresses that no host can have/],
  ["link-local addresses", { pods: ["fe80::/48"] }, /contains addresses that no host can have/],
];
for (const [what, change, message] of senseless) {
  test(`${what} is a configuration error that says so`, () => {
    assert.throws(
      () => clusterNetwork({ ...dual, ...change }),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  });
}
