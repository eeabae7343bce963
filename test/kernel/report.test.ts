import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chosenParts, parts } from "./parts.ts";
import { parseReport, table } from "./report.ts";

test("the table has a line for each part, with its last words", () => {
  const lines = [
    '{"event":"ends","part":"demo","passed":true,"words":"demo: 321/321 paths ok","seconds":70}',
    '{"event":"ends","part":"sandbox/paths","passed":false,"words":"8 passed, 1 failed","seconds":1200}',
  ];
  const results = lines.map(parseReport).filter((report) => report.event === "ends");
  assert.equal(
    table(results),
    "ok    demo              70 s  demo: 321/321 paths ok\nFAIL  sandbox/paths   1200 s  8 passed, 1 failed",
  );
});

test("what is no report is an error, such as a kernel's last words", () => {
  assert.throws(() => parseReport("Kernel panic - not syncing"));
  assert.throws(() => parseReport('{"event":"starts"}'));
});

test("parts are chosen by words of their names, and a word that chooses nothing is refused", () => {
  assert.deepEqual(
    chosenParts(["demo"]).map(({ name }) => name),
    ["demo", "demo-underlay"],
  );
  assert.deepEqual(chosenParts([]), parts);
  assert.throws(() => chosenParts(["nothing"]), /ONLY=nothing: no part of that name; there are: .*demo/);
});

test("every part's test file is there", () => {
  const root = join(import.meta.dirname, "../..");
  const files = parts.flatMap(({ argv }) => argv.filter((word) => word.endsWith(".test.ts")));
  assert.ok(files.length > 5);
  for (const file of files) assert.ok(existsSync(join(root, file)), file);
});
