import assert from "node:assert/strict";
import { test } from "node:test";
import { isNewer } from "./schemaVersion.ts";

test("schemas' versions are compared by number", () => {
  assert.equal(isNewer("7.2.0", "7.11.0"), false);
  assert.equal(isNewer("20.27.0", "20.9.0"), true);
  assert.equal(isNewer("7.0.1", "7.0.0"), true);
  assert.equal(isNewer("7.0.0", "7.0.0"), false);
});
