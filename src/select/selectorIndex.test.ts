import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { selects } from "../kube/labelSelector.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { anyLabels, anySelector } from "./selectFixture.ts";
import { SelectorIndex } from "./selectorIndex.ts";

test("a change of one label's value concerns only selectors that name the old or the new one", () => {
  const index = new SelectorIndex<string>();
  const add = (name: string, ...selector: LabelSelector): void => index.add(selector, name);
  add("all");
  add("web", { key: "app", operator: "In", values: ["web"] });
  add("till or vault", { key: "app", operator: "In", values: ["till", "vault"] });
  add("not till", { key: "app", operator: "NotIn", values: ["till"] });
  add("not vault", { key: "app", operator: "NotIn", values: ["vault"] });
  add("any app", { key: "app", operator: "Exists", values: [] });
  add("front", { key: "tier", operator: "In", values: ["front"] });
  const affected = index.affected({ app: "web", tier: "front" }, { app: "till", tier: "front" });
  assert.deepEqual([...affected].sort(), ["not till", "till or vault", "web"]);
});

test("a new label concerns the selectors that ask whether it exists", () => {
  const index = new SelectorIndex<string>();
  index.add([{ key: "app", operator: "Exists", values: [] }], "some");
  index.add([{ key: "app", operator: "DoesNotExist", values: [] }], "none");
  index.add([{ key: "app", operator: "In", values: ["other"] }], "other");
  assert.deepEqual([...index.affected({}, { app: "web" })].sort(), ["none", "some"]);
});

test("whatever came and went, it finds the same as trying each selector, each once", () => {
  const selectors = fc.array(anySelector, { maxLength: 12 });
  fc.assert(
    fc.property(selectors, fc.array(fc.nat(11)), anyLabels, anyLabels, (all, deleted, old, now) => {
      const index = new SelectorIndex<number>();
      for (const [item, selector] of all.entries()) index.add(selector, item);
      for (const item of deleted) index.delete(item);
      const left = [...all.keys()].filter((item) => !deleted.includes(item));
      const naively = (labels: typeof now) => left.filter((item) => selects(all[item] ?? [], labels));
      const matching = [...index.matching(now)];
      assert.deepEqual([new Set(matching), matching.length], [new Set(naively(now)), naively(now).length]);
      const affected = new Set(index.affected(old, now));
      const changed = new Set(naively(old)).symmetricDifference(new Set(naively(now)));
      assert.ok(changed.isSubsetOf(affected));
      assert.equal(index.size, left.length);
    }),
  );
});
