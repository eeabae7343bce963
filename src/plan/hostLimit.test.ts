import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIp, parseIp } from "../model/ip.ts";
import { hostAddressLimit } from "../model/limits.ts";
import type { ResolvedNode } from "../model/network.ts";
import { withinHostLimit } from "./hostLimit.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const aNode = (addresses: readonly string[], shared: readonly string[] = []): ResolvedNode => ({
  name: "n1",
  id: 2,
  subnets: [],
  chassisId: "c1",
  gateway: {
    mac: "",
    addresses: shared.map((text) => ({ ip: ip(text), bits: 24 })),
    nextHops: [],
    mtuBytes: 1500,
  },
  hostAddresses: addresses.map(ip),
});
const addresses = (count: number, prefix: string): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

test("a node with a few addresses of each family keeps them all", () => {
  const node = aNode([...addresses(hostAddressLimit, "172.30.0."), ...addresses(hostAddressLimit, "fd00::")]);
  assert.deepEqual(withinHostLimit(node), { limited: node, leftOut: undefined });
});

test("of thousands of addresses a node keeps the first few of each family, and those of its gateway", () => {
  const lies = Array.from({ length: 3000 }, (_, index) => `10.9.${index >> 8}.${index & 255}`);
  const { limited, leftOut } = withinHostLimit(aNode([...lies, "fd00::1", "172.30.0.11"], ["172.30.0.11"]));
  assert.deepEqual(limited.hostAddresses.map(formatIp), [
    ...lies.slice(0, hostAddressLimit - 1),
    "fd00::1",
    "172.30.0.11",
  ]);
  assert.equal(
    leftOut,
    "left out are 2985 of its 3002 own addresses (InternalIP): a node has at most 16 of each family",
  );
});
