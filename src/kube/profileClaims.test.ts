import assert from "node:assert/strict";
import { test } from "node:test";
import { annotations } from "../model/names.ts";
import { profileClaimsOf, profileLabel, refusedLabel } from "./profileClaims.ts";

const claims = (text: string) => profileClaimsOf({ [annotations.securityProfiles]: text });

test("a pod asks for the profiles that its annotation names, each once", () => {
  assert.equal(profileClaimsOf({}), undefined);
  assert.equal(claims(" "), undefined);
  assert.deepEqual(claims("qa"), { names: ["qa"], problem: undefined });
  assert.deepEqual(claims(" qa, dev,qa "), { names: ["dev", "qa"], problem: undefined });
});

test("what is no name of a profile is a problem, and the others are asked for all the same", () => {
  for (const [text, wrong] of [
    ["qa,", '""'],
    ["qa,QA", '"QA"'],
    ["qa;dev", '"qa;dev"'],
    ["-qa", '"-qa"'],
    [`qa,${"x".repeat(300)}`, `"${"x".repeat(60)}"`],
  ] as const)
    assert.ok(claims(text)?.problem?.startsWith(`${wrong} is no name of a profile`), text);
  assert.deepEqual(claims("qa,dev,Not")?.names, ["dev", "qa"]);
});

test("a pod may ask for sixteen profiles", () => {
  const many = Array.from({ length: 17 }, (_, index) => `p${index}`).join();
  assert.deepEqual(claims(many)?.problem, "it names 17 profiles, and a pod may have 16");
  assert.equal(claims(many.slice(0, many.lastIndexOf(",")))?.problem, undefined);
});

test("what stands for a profile is no label that the API would take, and none of another profile", () => {
  // IsQualifiedName of apimachinery.
  const labelKey = /^([a-z0-9.-]+\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
  const keys = [profileLabel("refused"), profileLabel("s"), refusedLabel];
  assert.deepEqual(
    keys.filter((key) => labelKey.test(key)),
    [],
  );
  assert.equal(new Set(keys).size, keys.length);
});
