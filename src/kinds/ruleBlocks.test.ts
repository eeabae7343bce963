import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyPeer } from "../kube/networkPolicy.ts";
import { formatCidr, parseCidr } from "../model/ip.ts";
import { ruleBlocks } from "./ruleBlocks.ts";

const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);
const block = (range: string, ...except: readonly string[]): PolicyPeer => ({
  kind: "block",
  range: cidr(range),
  except: except.map(cidr),
});

test("the blocks of a rule become the fewest that have the same addresses, without exceptions", () => {
  const peers = [
    block("192.0.2.128/25"),
    block("192.0.2.0/25"),
    block("192.0.2.64/26"),
    block("198.51.100.0/24", "198.51.100.128/25"),
    block("2001:db8::/32"),
  ];
  const { blocks, leftOut } = ruleBlocks({ peers }, "spec.ingress[0]");
  assert.deepEqual(blocks.map(formatCidr), ["192.0.2.0/24", "198.51.100.0/25", "2001:db8::/32"]);
  assert.equal(leftOut, undefined);
});

test("a rule whose exceptions leave too many blocks has none, and it is said which rule", () => {
  const except = Array.from({ length: 2_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1/32`);
  const { blocks, leftOut } = ruleBlocks({ peers: [block("0.0.0.0/0", ...except)] }, "spec.egress[3]");
  assert.deepEqual(blocks, []);
  assert.match(
    leftOut ?? "",
    /^the ipBlocks of spec\.egress\[3\] allow nothing: .* are \d+ blocks, and at most 10000 are served$/,
  );
});
