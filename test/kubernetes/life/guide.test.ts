import assert from "node:assert/strict";
import { test } from "node:test";
import { blocksIn } from "./guide.ts";

test("blocks are found wherever they are indented, and without their indent", () => {
  const document = "text\n\n```\none\ntwo\n```\n\n1. item\n\n   ```\n   three \\\n     four\n   ```\n";
  assert.deepEqual(blocksIn(document), ["one\ntwo", "three \\\n  four"]);
});
