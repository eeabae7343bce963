import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { layers, refusalsOf } from "./layers.ts";

const refused = (layer: string): readonly string[] => refusalsOf(layer).flatMap(({ group }) => group);

test("every folder of src has a line", () => {
  const folders = readdirSync(join(import.meta.dirname, "../src"), { withFileTypes: true });
  const missing = folders.filter((entry) => entry.isDirectory() && !layers[entry.name]);
  assert.deepEqual(missing, []);
});

test("a line names layers that come before it", () => {
  const known = new Set<string>();
  for (const [layer, imports] of Object.entries(layers)) {
    for (const other of imports)
      assert.ok(known.has(other.replace("type ", "")), `${layer} imports ${other}`);
    known.add(layer);
  }
});

test("a layer may import what its line names and nothing else of src", () => {
  assert.equal(refused("kube").includes("../model/**"), false);
  assert.equal(refused("kube").includes("../ovsdb/**"), true);
  assert.equal(refused("kube").includes("../../ovsdb/**"), true);
});

test("a type-only import has to say that it is one", () => {
  const kube = refusalsOf("plan").find(({ group }) => group.includes("../kube/**"));
  assert.equal(kube?.allowTypeImports, true);
});

test("a folder in a folder has its parent's line, and may not import the neighbours after it nor the files beside it", () => {
  assert.equal(refused("node/ovs").includes("../nouns/**"), false);
  assert.equal(refused("node/ovs").includes("../host/**"), true);
  assert.equal(refused("node/ovs").includes("../*.ts"), true);
  assert.equal(refused("node/ovs").includes("../../plan/**"), true);
  assert.equal(refused("node/ovs").includes("../../kube/**"), false);
});
