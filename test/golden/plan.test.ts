// Golden files: the facts of every cases/*.yaml, in cases/*.txt, to be reviewed as diffs. `WEFT_GOLDEN=update` writes
// them.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { plannedCase } from "./plannedCase.ts";
import { printedFacts } from "./printedFacts.ts";

const folder = new URL("cases/", import.meta.url);
const update = process.env.WEFT_GOLDEN === "update";
const cases = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

for (const name of cases) {
  test(`the facts of ${name} are the ones reviewed`, async () => {
    const { plans, without } = await plannedCase(new URL(name, folder));
    const known = [...plans.values()].flat();
    const sections = [
      ...[...plans].map(([owner, facts]) => `# ${owner}\n${printedFacts(facts, known)}\n`),
      ...[...without].map(([owner, why]) => `# ${owner}: nothing${why === undefined ? "" : ` (${why})`}\n`),
    ];
    const text = sections.join("\n");
    const golden = new URL(name.replace(/yaml$/, "txt"), folder);
    if (update) await writeFile(golden, text);
    assert.equal(text, await readFile(golden, "utf8"));
  });
}

test("no two owners of a case state one row", async () => {
  for (const name of cases) {
    const { plans } = await plannedCase(new URL(name, folder));
    const owners = new Map<string, string>();
    for (const [owner, facts] of plans) {
      for (const fact of facts) {
        if (fact.kind === "member") continue;
        assert.equal(owners.get(fact.uuid), undefined, `${name}: ${fact.table} of ${owner}`);
        owners.set(fact.uuid, owner);
      }
    }
  }
});

test("a pod that policies select is planned once, with the groups that it is in", async () => {
  const { times } = await plannedCase(new URL("cases/network-policies.yaml", import.meta.url));
  const ofPods = [...times].filter(([owner]) => owner.startsWith("pod/"));
  assert.equal(ofPods.length, 3);
  assert.deepEqual([...new Set(ofPods.map(([, count]) => count))], [1], JSON.stringify(ofPods));
});
