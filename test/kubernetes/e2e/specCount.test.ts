import assert from "node:assert/strict";
import { test } from "node:test";
import { SpecCount } from "./specCount.ts";

test("specs are counted as their bullets come, also in the middle of a line", () => {
  const count = new SpecCount();
  count.take("Running Suite\nWill run 47 of 32");
  count.take("06 specs\n\n••");
  assert.equal(count.words, "2 of 47 specs, 0 did not pass");
  count.take("• [FAILED] [12.3 seconds]\n[sig-network] Services should\nSummary •\n•S•");
  assert.equal(count.words, "6 of 47 specs, 1 did not pass");
});
