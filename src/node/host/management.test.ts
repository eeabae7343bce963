import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr, parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import { managementBatch } from "./management.ts";

const cidrs = (...texts: readonly string[]) => texts.map((text) => parseCidr(text) ?? assert.fail(text));
const ip = (text: string) => parseIp(text) ?? assert.fail(text);

test("pods, Services and the hairpin address of each family are reached through the router, from the node's own address if it has one", () => {
  const batch = managementBatch({
    mtuBytes: 1442,
    subnets: cidrs("10.244.0.0/24", "fd00:10:244::/64"),
    destinations: cidrs("10.244.0.0/16", "fd00:10:244::/48", "10.96.0.0/16", "fd00:10:96::/112"),
    addresses: [{ host: ip("172.30.0.11"), management: ip("10.244.0.2") }],
    present: [],
  });
  assert.equal(
    batch,
    `link set weft0 mtu 1442 up
address replace 10.244.0.2/24 dev weft0 noprefixroute
route replace 10.244.0.0/24 dev weft0 src 172.30.0.11
route replace 10.244.0.0/16 via 10.244.0.1 dev weft0 src 172.30.0.11
route replace 10.96.0.0/16 via 10.244.0.1 dev weft0 src 172.30.0.11
route replace 169.254.0.5/32 via 10.244.0.1 dev weft0 src 172.30.0.11
route replace 169.254.0.6/31 via 10.244.0.1 dev weft0 src 172.30.0.11
address replace fd00:10:244::2/64 dev weft0 noprefixroute nodad
route replace fd00:10:244::/64 dev weft0
route replace fd00:10:244::/48 via fd00:10:244::1 dev weft0
route replace fd00:10:96::/112 via fd00:10:244::1 dev weft0
route replace fd69::5/128 via fd00:10:244::1 dev weft0
route replace fd69::6/127 via fd00:10:244::1 dev weft0
`,
  );
});

test("a node that is its pods' gateway reaches them through the router, with packets as large as the uplink's, and others as a tunnel lets them", () => {
  const network = {
    mtuBytes: 1500,
    tunnelBytes: 1442,
    subnets: cidrs("10.244.0.0/24"),
    destinations: cidrs("10.244.0.0/16"),
    addresses: [{ host: ip("172.30.0.11"), management: ip("10.244.0.2") }],
    present: [],
  };
  assert.equal(
    managementBatch(network),
    `link set weft0 mtu 1500 up
address replace 10.244.0.2/24 dev weft0 noprefixroute
route replace 10.244.0.0/24 via 10.244.0.1 dev weft0 onlink src 172.30.0.11
route replace 10.244.0.0/16 via 10.244.0.1 dev weft0 onlink src 172.30.0.11 mtu 1442
route replace 169.254.0.5/32 via 10.244.0.1 dev weft0 onlink src 172.30.0.11 mtu 1442
route replace 169.254.0.6/31 via 10.244.0.1 dev weft0 onlink src 172.30.0.11 mtu 1442
`,
  );
});

test("a family that the node has no subnet of is left alone", () => {
  const batch = managementBatch({
    mtuBytes: 1442,
    subnets: cidrs("10.244.0.0/24"),
    destinations: cidrs("fd00:10:96::/112"),
    addresses: [],
    present: [],
  });
  assert.ok(!batch.includes(":"));
});

test("the address and the route of a former subnet are taken away first, and the node's own is left", () => {
  const present = ["10.244.0.2/24", "10.244.7.2/24"].flatMap((text) => parseInterfaceAddress(text) ?? []);
  const batch = managementBatch({
    mtuBytes: 1442,
    subnets: cidrs("10.244.0.0/24"),
    destinations: [],
    addresses: [],
    present,
  });
  assert.deepEqual(batch.split("\n").slice(0, 5), [
    "link set weft0 mtu 1442 up",
    "address delete 10.244.7.2/24 dev weft0",
    "route replace 10.244.7.0/24 dev weft0",
    "route delete 10.244.7.0/24 dev weft0",
    "address replace 10.244.0.2/24 dev weft0 noprefixroute",
  ]);
});
