import assert from "node:assert/strict";
import { test } from "node:test";
import { type OwnerName, ownerOf, parseOwner } from "./owner.ts";

const cases: readonly (readonly [string, OwnerName])[] = [
  ["cluster", { kind: "cluster", namespace: "", name: "" }],
  ["node/n1", { kind: "node", namespace: "", name: "n1" }],
  ["pod/shop/web-1", { kind: "pod", namespace: "shop", name: "web-1" }],
];

for (const [owner, name] of cases)
  test(`${owner} is taken apart and put together again`, () => {
    assert.deepEqual(parseOwner(owner), name);
    assert.equal(ownerOf(name.kind, name.name, name.namespace), owner);
  });
