import assert from "node:assert/strict";
import { test } from "node:test";
import { noPolicies, type PolicySummary, policySummaryIn, policySummaryText } from "./policySummary.ts";

const summary: PolicySummary = {
  inForce: 7,
  settling: 1,
  late: 1,
  first: [{ kind: "NetworkPolicy", policy: "shop/closed", waitsFor: "the controller to plan it" }],
};

test("what is written on the Lease is read from it; without policies nothing is written", () => {
  assert.deepEqual(policySummaryIn(policySummaryText(summary) ?? ""), summary);
  assert.equal(policySummaryText(noPolicies), undefined);
});

for (const annotation of ["", "no", "[]", "{}", '{"inForce":-1,"settling":0,"late":0}', '{"inForce":"7"}'])
  test(`an annotation that is not readable says nothing: ${annotation}`, () => {
    assert.equal(policySummaryIn(annotation), undefined);
  });

test("what is readable in part says what is readable", () => {
  const text = '{"inForce":1,"settling":0,"late":2,"first":[{"policy":"shop/a","kind":7}]}';
  assert.deepEqual(policySummaryIn(text)?.first, [{ kind: "", policy: "shop/a", waitsFor: "" }]);
});
