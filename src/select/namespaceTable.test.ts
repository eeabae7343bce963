import assert from "node:assert/strict";
import { test } from "node:test";
import { NamespaceTable } from "./namespaceTable.ts";
import { allNamespaces, namespacesMatching, oneNamespace } from "./selection.ts";

const sales = namespacesMatching([{ key: "team", operator: "In", values: ["sales"] }]);

test("relabelling a namespace reports the scopes that began or ceased to cover it, and no others", () => {
  const table = new NamespaceTable();
  const [all, one, matching] = [allNamespaces, oneNamespace("shop"), sales].map((each) =>
    table.scopeOf(each),
  );
  const shop = table.entry("shop");
  assert.deepEqual(shop.scopes, new Set([all, one]));
  assert.deepEqual(table.relabel(shop, { team: "sales", a: "1" }), [matching]);
  assert.deepEqual(table.relabel(shop, { team: "sales", a: "2" }), []);
  assert.deepEqual(shop.scopes, new Set([all, one, matching]));
  assert.deepEqual(table.relabel(shop, undefined), [matching]);
});

test("what nobody needs any more is forgotten", () => {
  const table = new NamespaceTable();
  const shop = table.entry("shop");
  table.relabel(shop, { team: "sales" });
  table.tidy(shop);
  const scope = table.scopeOf(sales);
  assert.deepEqual([...table.covered(scope)], [shop]);
  table.drop(scope);
  assert.equal(shop.scopes.size, 0);
  assert.notEqual(table.scopeOf(sales), scope);
  table.relabel(shop, undefined);
  table.tidy(shop);
  assert.notEqual(table.entry("shop"), shop);
});
