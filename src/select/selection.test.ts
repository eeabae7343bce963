import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { labelSelectorOf, selects } from "../kube/labelSelector.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { type Cidr, parseCidr } from "../model/ip.ts";
import { anyLabels, anySelector } from "./selectFixture.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  rangeSelection,
} from "./selection.ts";

const cidrs = (...texts: readonly string[]): Cidr[] => texts.flatMap((text) => parseCidr(text) ?? []);
const keyOf = (selector: unknown): string => labelSelection(allNamespaces, labelSelectorOf(selector)).key;

test("the order of keys and values, and duplicates, do not make another selection", () => {
  const written = {
    matchLabels: { tier: "front", app: "web" },
    matchExpressions: [{ key: "env", operator: "NotIn", values: ["b", "a", "b"] }],
  };
  const otherwise = {
    matchLabels: { app: "web" },
    matchExpressions: [
      { key: "env", operator: "NotIn", values: ["a", "b"] },
      { key: "tier", operator: "In", values: ["front"] },
      { key: "app", operator: "In", values: ["web"] },
    ],
  };
  assert.equal(keyOf(written), keyOf(otherwise));
});

test("selections that differ have different keys", () => {
  const app = labelSelectorOf({ matchLabels: { app: "web" } });
  const [range] = cidrs("10.0.0.0/8");
  assert.ok(range);
  const keys = [
    labelSelection(allNamespaces, app),
    labelSelection(oneNamespace("shop"), app),
    labelSelection(namespacesMatching(app), app),
    labelSelection(namespacesMatching(app), []),
    labelSelection(allNamespaces, []),
    labelSelection(allNamespaces, [{ key: "app", operator: "NotIn", values: ["web"] }]),
    labelSelection(allNamespaces, [{ key: "app", operator: "In", values: ["web", ""] }]),
    labelSelection(allNamespaces, [{ key: "app", operator: "In", values: ['web","'] }]),
    labelSelection(allNamespaces, [{ key: "app", operator: "In", values: [] }]),
    rangeSelection(range, []),
    rangeSelection(range, cidrs("10.0.0.0/9")),
  ].map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});

test("a namespace selector that selects everything means all namespaces", () => {
  assert.deepEqual(namespacesMatching([]), allNamespaces);
  assert.deepEqual(namespacesMatching([{ key: "a", operator: "NotIn", values: [] }]), allNamespaces);
});

test("the order of a range's exceptions does not matter", () => {
  const [range, a, b] = cidrs("10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/16");
  assert.ok(range && a && b);
  assert.equal(rangeSelection(range, [a, b, a]).key, rangeSelection(range, [b, a]).key);
  assert.equal(
    rangeSelection(range, [a, b]).key,
    "addresses 10.0.0.0/8 except 10.0.0.0/16 except 10.1.0.0/16",
  );
});

test("the canonical form selects the same as the written one, in whatever order it was written", () => {
  const written = anySelector.chain((selector) =>
    fc.tuple(
      fc.constant(selector),
      fc.shuffledSubarray([...selector, ...selector], { minLength: 2 * selector.length }),
    ),
  );
  fc.assert(
    fc.property(
      written,
      anyLabels,
      ([selector, shuffled]: readonly [LabelSelector, LabelSelector], labels) => {
        const canonical = labelSelection(allNamespaces, selector);
        assert.equal(selects(canonical.pods, labels), selects(selector, labels));
        assert.equal(canonical.key, labelSelection(allNamespaces, shuffled).key);
      },
    ),
  );
});
