import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseNetworkConfig, readNetworkConfig } from "./cni-config.ts";

test("the first file by name is used, and none is no error", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-cni-"));
  assert.equal(await readNetworkConfig(join(directory, "absent")), undefined);
  assert.equal(await readNetworkConfig(directory), undefined);
  const config = (name: string) => JSON.stringify({ cniVersion: "1.1.0", name, plugins: [{ type: "p" }] });
  await writeFile(join(directory, "20-b.conflist"), config("b"));
  await writeFile(join(directory, "10-a.conflist"), config("a"));
  await writeFile(join(directory, "00-readme.txt"), "");
  assert.equal((await readNetworkConfig(directory))?.name, "a");
  await writeFile(join(directory, "05-broken.conflist"), "{");
  await assert.rejects(readNetworkConfig(directory), /05-broken\.conflist/);
  await rm(directory, { recursive: true });
});

test("a plugin's own configuration is a list of one, and keeps its fields", () => {
  const single = { cniVersion: "1.0.0", name: "n", type: "weft-cni", socket: "/run/x.sock" };
  const { name, plugins } = parseNetworkConfig(single);
  assert.deepEqual([name, plugins], ["n", [single]]);
});

test("a plugin cannot name a program outside of the plugins' directory", () => {
  assert.throws(() => parseNetworkConfig({ name: "n", plugins: [{ type: "../../bin/sh" }] }));
});

test("the newest version that is offered and known is used, whichever way it is offered", () => {
  const versionOf = (config: object) =>
    parseNetworkConfig({ name: "n", plugins: [{ type: "p" }], ...config }).cniVersion;
  assert.equal(versionOf({ cniVersion: "1.0.0", cniVersions: ["1.1.0", "0.4.0", "7.0.0"] }), "1.1.0");
  assert.equal(versionOf({ cniVersion: "1.0.0" }), "1.0.0");
  assert.equal(versionOf({ cniVersions: ["0.3.1"] }), "0.3.1");
  assert.equal(versionOf({ cniVersion: "7.0.0" }), "7.0.0");
});
