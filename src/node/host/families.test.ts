import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../../model/ip.ts";
import { familyTrouble } from "./families.ts";

const cidrs = (...texts: readonly string[]) => texts.map((text) => parseCidr(text) ?? assert.fail(text));
const both = cidrs("10.244.0.0/24", "fd00:10:244::/64");
const means = { hasIpv6: true, uplink: "eth0", linkBytes: 1500, podBytes: 1442 };

test("an ordinary node has room for both families", () => {
  assert.equal(familyTrouble(both, means), undefined);
});

test("a link that leaves too little for IPv6 is told with the MTU that would do, and IPv4 alone works on it", () => {
  const small = { ...means, linkBytes: 1300, podBytes: 1242 };
  assert.equal(
    familyTrouble(both, small),
    "the MTU of eth0 is 1300 bytes, which leaves 1242 for pods, and IPv6 needs 1280: raise it to at least 1338, or give the cluster no IPv6 range",
  );
  assert.equal(familyTrouble(cidrs("10.244.0.0/24"), small), undefined);
  assert.match(
    familyTrouble(cidrs("10.244.0.0/24"), { ...means, linkBytes: 600, podBytes: 542 }) ?? "",
    /IPv4 needs 576: raise it to at least 634$/,
  );
});

test("a kernel without IPv6 cannot serve pods that are to have it", () => {
  const without = { ...means, hasIpv6: false };
  assert.match(familyTrouble(both, without) ?? "", /no IPv6.*ipv6\.disable=1/);
  assert.equal(familyTrouble(cidrs("10.244.0.0/24"), without), undefined);
});
