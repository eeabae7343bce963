import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { referenceText } from "./reference.ts";

test("docs/reference.md is what the code says; if not, run make reference", async () => {
  const file = join(import.meta.dirname, "../../docs/reference.md");
  assert.equal(await readFile(file, "utf8"), await referenceText());
});
