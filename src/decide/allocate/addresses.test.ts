import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatCidr, formatIp, parseCidr, parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import { macOf } from "../../model/mac.ts";
import { type PodNetwork } from "../../model/network.ts";
import type { Site } from "../../model/site.ts";
import { PortRows } from "../../observe/rowAddressesFixture.ts";
import { ExhaustedError } from "../errors.ts";
import { type Holder, PodAddresses } from "./addresses.ts";

const site = (...subnets: readonly string[]): Site => ({
  name: "n3",
  subnets: subnets.map((text) => parseCidr(text) ?? assert.fail(text)),
});
const pod = (name: string): Holder => ({
  uid: `uid-${name}`,
  port: `demo_pod_shop_${name}`,
  label: `pod shop/${name}`,
});
const texts = (network: PodNetwork): readonly string[] => network.addresses.map(formatCidr);

function stated(addresses: readonly string[], gateways: readonly string[], mac?: string): PodNetwork {
  const parsed = addresses.map((text) => parseInterfaceAddress(text) ?? assert.fail(text));
  const [first] = parsed;
  assert.ok(first);
  return {
    addresses: parsed,
    mac: mac ?? macOf(first.ip),
    gateways: gateways.map((text) => parseIp(text) ?? assert.fail(text)),
  };
}

test("a pod gets the same offset in both families, and the MAC of its first address", () => {
  const network = new PodAddresses(new PortRows()).take(
    pod("web-1"),
    site("10.244.3.0/24", "fd00:10:244:3::/64"),
  );
  assert.deepEqual(texts(network), ["10.244.3.3/24", "fd00:10:244:3::3/64"]);
  assert.equal(network.mac, "0a:58:0a:f4:03:03");
  assert.deepEqual(network.gateways.map(formatIp), ["10.244.3.1", "fd00:10:244:3::1"]);
});

test("network, router, node and broadcast address are never given, and the error about a full subnet says what to do", () => {
  const addresses = new PodAddresses(new PortRows());
  const small = site("10.244.3.0/29");
  const given = ["a", "b", "c", "d"].map((name) => texts(addresses.take(pod(name), small))[0]);
  assert.deepEqual(given, ["10.244.3.3/29", "10.244.3.4/29", "10.244.3.5/29", "10.244.3.6/29"]);
  assert.throws(
    () => addresses.take(pod("web-1"), small),
    (error) =>
      error instanceof ExhaustedError &&
      error.message ===
        "pod shop/web-1: no address left in 10.244.3.0/29 (node n3, 4 used); delete pods on this node, or give nodes larger subnets",
  );
  addresses.release("uid-b");
  assert.deepEqual(texts(addresses.take(pod("web-1"), small)), ["10.244.3.4/29"]);
});

test("a freed address rests until the others have been given", () => {
  const addresses = new PodAddresses(new PortRows());
  const small = site("10.244.3.0/29");
  addresses.take(pod("a"), small);
  addresses.release("uid-a");
  const given = ["b", "c", "d", "e"].map((name) => texts(addresses.take(pod(name), small))[0]);
  assert.deepEqual(given, ["10.244.3.4/29", "10.244.3.5/29", "10.244.3.6/29", "10.244.3.3/29"]);
});

test("a pool that has gone full circle in its subnet takes none of its own ports again", () => {
  const addresses = new PodAddresses(new PortRows());
  const small = site("10.244.3.0/29");
  const at = (offset: number): Holder => pod(`pool-${offset}`);
  const taken = Array.from({ length: 5 }, () => addresses.takeOffset(at, small));
  assert.deepEqual(taken, [3, 4, 5, 6, undefined]);
  addresses.release(at(5).uid);
  assert.deepEqual([addresses.takeOffset(at, small), addresses.takeOffset(at, small)], [5, undefined]);
});

test("an address is not free while a row has it, even if its pod is gone", () => {
  const rows = new PortRows();
  const addresses = new PodAddresses(rows);
  const small = site("10.244.3.0/29");
  for (const ip of [3, 4, 5, 6])
    rows.set(`row-${ip}`, `port-${ip}`, [`0a:58:0a:f4:03:0${ip} 10.244.3.${ip}`]);
  assert.throws(() => addresses.take(pod("a"), small), ExhaustedError);
  rows.delete("row-5");
  assert.deepEqual(texts(addresses.take(pod("a"), small)), ["10.244.3.5/29"]);
});

test("a row that changes its address holds only the new one", () => {
  const rows = new PortRows();
  rows.set("row", "port", ["0a:58:0a:f4:03:03 10.244.3.3 fd00::3"]);
  rows.set("row", "port", ["0a:58:0a:f4:03:04 10.244.3.4"]);
  assert.deepEqual(rows.others("other", "10.244.3.3"), []);
  assert.deepEqual(rows.others("other", "fd00::3"), []);
  assert.deepEqual(rows.others("other", "10.244.3.4"), [{ owner: "port", pod: "" }]);
  assert.deepEqual(rows.others("port", "10.244.3.4"), []);
});

const dual = site("10.244.3.0/24", "fd00:10:244:3::/64");
const gateways = ["10.244.3.1", "fd00:10:244:3::1"];
const distrusted: readonly (readonly [string, PodNetwork, RegExp])[] = [
  [
    "an address of another node",
    stated(["10.244.4.7/24"], ["10.244.3.1"]),
    /10\.244\.4\.7\/24 is no pod's address on node n3/,
  ],
  ["another prefix length", stated(["10.244.3.7/16"], ["10.244.3.1"]), /is no pod's address/],
  ["the network address", stated(["10.244.3.0/24"], ["10.244.3.1"]), /is no pod's address/],
  ["the router's address", stated(["10.244.3.1/24"], ["10.244.3.1"]), /is no pod's address/],
  ["the node's address", stated(["10.244.3.2/24"], ["10.244.3.1"]), /is no pod's address/],
  ["the broadcast address", stated(["10.244.3.255/24"], ["10.244.3.1"]), /is no pod's address/],
  ["a MAC of its own", stated(["10.244.3.7/24"], ["10.244.3.1"], "02:00:00:00:00:01"), /its MAC/],
  ["another gateway", stated(["10.244.3.7/24"], ["10.244.3.9"]), /its gateways/],
  ["the address of another pod", stated(["10.244.3.3/24"], ["10.244.3.1"]), /10\.244\.3\.3 is another pod's/],
  [
    "one free and one held address",
    stated(["10.244.3.9/24", "fd00:10:244:3::3/64"], gateways),
    /fd00:10:244:3::3 is another/,
  ],
  ["an address that a row has", stated(["10.244.3.8/24"], ["10.244.3.1"]), /10\.244\.3\.8 is another pod's/],
];
for (const [what, network, why] of distrusted) {
  test(`a pod cannot claim ${what}`, () => {
    const rows = new PortRows();
    rows.set("row", "demo_pod_shop_old", ["0a:58:0a:f4:03:08 10.244.3.8"]);
    const addresses = new PodAddresses(rows);
    addresses.take(pod("first"), dual);
    assert.match(addresses.claim(pod("web-1"), dual, network) ?? "", why);
    assert.deepEqual(texts(addresses.take(pod("web-1"), dual)), ["10.244.3.4/24", "fd00:10:244:3::4/64"]);
  });
}

test("a pod keeps a valid claim, even of a single family, and nobody else gets the address", () => {
  const addresses = new PodAddresses(new PortRows());
  assert.equal(addresses.claim(pod("a"), dual, stated(["10.244.3.3/24"], ["10.244.3.1"])), undefined);
  assert.deepEqual(texts(addresses.take(pod("b"), dual)), ["10.244.3.4/24", "fd00:10:244:3::4/64"]);
});

test("no two pods ever have one address, whatever is born, dies, crashes and leaves its row behind", () => {
  const step = fc.record({
    pod: fc.integer({ min: 0, max: 9 }),
    what: fc.constantFrom("birth", "death", "row written", "row deleted", "crash"),
  });
  const small = site("10.244.3.0/29", "fd00:10:244:3::/64");
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 80 }), (steps) => {
      const rows = new PortRows();
      // The outside truth: annotations of living pods, and rows, which outlive pods.
      const annotated = new Map<number, PodNetwork>();
      const written = new Map<number, PodNetwork>();
      let addresses = new PodAddresses(rows);
      for (const { pod: number, what } of steps) {
        const holder = pod(String(number));
        const network = annotated.get(number);
        switch (what) {
          case "birth":
            if (network) break;
            try {
              annotated.set(number, addresses.take(holder, small));
            } catch (error) {
              assert.ok(error instanceof ExhaustedError);
            }
            break;
          case "death":
            annotated.delete(number);
            addresses.release(holder.uid);
            break;
          case "row written":
            if (!network) break;
            written.set(number, network);
            rows.set(holder.port, holder.port, [
              ["mac", ...network.addresses.map(({ ip }) => formatIp(ip))].join(" "),
            ]);
            break;
          case "row deleted":
            if (network) break;
            written.delete(number);
            rows.delete(holder.port);
            break;
          case "crash":
            addresses = new PodAddresses(rows);
            for (const [other, theirs] of annotated)
              assert.equal(addresses.claim(pod(String(other)), small, theirs), undefined);
        }
        // A pod's own row may still show its previous life. No other pod's row may.
        const holders = new Map<string, number>();
        for (const [other, theirs] of [...annotated, ...written]) {
          for (const text of texts(theirs)) {
            assert.equal(holders.get(text) ?? other, other, `${text} doubled`);
            holders.set(text, other);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});
