// One of the agent's nftables tables, written with the machine's own kernel and nft in a namespace of the test, and what
// somebody else does to it before, while and after it is written.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseCidr } from "../../src/model/ip.ts";
import { firewall } from "../../src/node/host/firewall.ts";
import { writeTable } from "../../src/node/host/ownTable.ts";
import { type Run, run } from "../../src/node/host/run.ts";
import { privateName } from "../real/privateName.ts";

const node = privateName("table");
const inNode: Run = (argv, options) => run(argv, { netns: `/run/netns/${node}`, ...options });
before(() => run(["ip", "netns", "add", node]));
after(() => run(["ip", "netns", "delete", node]));

const services = parseCidr("10.96.0.0/16") ?? assert.fail();
const rules = firewall("weft0", [], [services]);

/** As `inNode`; somebody else does this as soon as the table has been written. */
const meddled =
  (meddling: readonly [string, ...string[]]): Run =>
  async (argv, options) => {
    const said = await inNode(argv, options);
    if (argv.join(" ") === "nft -f -") await inNode(meddling);
    return said;
  };

test("a table that is as it was written has no difference, also when it is written again", async () => {
  for (const _ of ["new", "again"]) {
    const { difference } = await writeTable(inNode, "weft", rules);
    assert.equal(await difference(), undefined);
  }
});

const meddlings: readonly (readonly [meddling: string, difference: string])[] = [
  ["nft flush table inet weft", "the nftables table inet weft is not as the agent wrote it"],
  ["nft add rule inet weft forward accept", "the nftables table inet weft is not as the agent wrote it"],
  ["nft delete table inet weft", "the nftables table inet weft is missing"],
];
for (const [meddling, wanted] of meddlings) {
  const argv = meddling.split(" ") as [string, ...string[]];
  test(`\`${meddling}\` is a difference, also right after the table was written`, async () => {
    const early = await writeTable(meddled(argv), "weft", rules);
    assert.equal(await early.difference(), wanted);
    const late = await writeTable(inNode, "weft", rules);
    await inNode(argv);
    assert.equal(await late.difference(), wanted);
  });
}
