import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyStore, missingInput, storesOf } from "./stores.ts";

test("a controller is not ready before it has read every kind, nor while the database is away", () => {
  const stores = storesOf(emptyStore);
  const { Pod, ...others } = stores;
  for (const store of Object.values(others)) store.note({ synced: true });
  assert.match(missingInput(stores, { synced: true }) ?? "", /every Pod yet/);
  Pod.note({ synced: true });
  assert.match(missingInput(stores, { synced: false }) ?? "", /northbound database/);
  assert.equal(missingInput(stores, { synced: true }), undefined);
});
