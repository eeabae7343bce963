import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { enableForwarding } from "./forwarding.ts";

async function settings(values: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), "weft-forwarding-"));
  for (const [name, value] of Object.entries(values)) {
    await mkdir(join(root, name, ".."), { recursive: true });
    await writeFile(join(root, name), `${value}\n`);
  }
  return {
    root,
    now: async () =>
      Object.fromEntries(
        await Promise.all(
          Object.keys(values).map(async (name) => [name, (await readFile(join(root, name), "utf8")).trim()]),
        ),
      ),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

test("forwarding is turned on for the families in use, and a host that lives by router advertisements goes on to", async () => {
  const before = {
    "ipv4/ip_forward": "0",
    "ipv6/conf/all/forwarding": "0",
    "ipv6/conf/all/accept_ra": "1",
    "ipv6/conf/br-ex/accept_ra": "1",
    "ipv6/conf/weft0/accept_ra": "0",
  };
  await using files = await settings(before);
  await enableForwarding([4], files.root);
  assert.deepEqual(await files.now(), { ...before, "ipv4/ip_forward": "1" });
  await enableForwarding([4, 6], files.root);
  assert.deepEqual(await files.now(), {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv6/conf/all/accept_ra": "2",
    "ipv6/conf/br-ex/accept_ra": "2",
    "ipv6/conf/weft0/accept_ra": "0",
  });
});

test("where the node forwards already, nothing is written", async () => {
  const before = { "ipv6/conf/all/forwarding": "1", "ipv6/conf/br-ex/accept_ra": "1" };
  await using files = await settings(before);
  await enableForwarding([6], files.root);
  assert.deepEqual(await files.now(), before);
});
