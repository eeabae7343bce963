import assert from "node:assert/strict";
import { test } from "node:test";
import { labelSelectorOf, selects } from "./labelSelector.ts";

const labels = { app: "web", tier: "front" };
const cases: readonly (readonly [what: string, selector: unknown, selected: boolean])[] = [
  ["an empty selector selects everything", {}, true],
  ["so does what is no selector: rather protected than not", "nonsense", true],
  ["all labels must match", { matchLabels: { app: "web", tier: "front" } }, true],
  ["one that differs is enough", { matchLabels: { app: "web", tier: "back" } }, false],
  ["In", { matchExpressions: [{ key: "app", operator: "In", values: ["till", "web"] }] }, true],
  ["NotIn", { matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] }, false],
  [
    "NotIn holds without the label",
    { matchExpressions: [{ key: "x", operator: "NotIn", values: ["1"] }] },
    true,
  ],
  ["Exists", { matchExpressions: [{ key: "x", operator: "Exists" }] }, false],
  ["DoesNotExist", { matchExpressions: [{ key: "x", operator: "DoesNotExist" }] }, true],
  [
    "an object's own inherited names are no labels",
    { matchExpressions: [{ key: "toString", operator: "Exists" }] },
    false,
  ],
  [
    "an unknown operator is left out",
    { matchExpressions: [{ key: "app", operator: "Like", values: ["x"] }] },
    true,
  ],
];
for (const [what, selector, selected] of cases) {
  test(what, () => assert.equal(selects(labelSelectorOf(selector), labels), selected));
}
