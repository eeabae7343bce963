import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "../kube/kinds.ts";
import { Store } from "../kube/store.ts";
import { missingInput, type Stores } from "./stores.ts";

test("a controller is not ready before it has read every kind, nor while the database is away", () => {
  const ignore = (): void => undefined;
  const stores: Stores = {
    Node: new Store(kinds.Node.indexes, ignore),
    Namespace: new Store(kinds.Namespace.indexes, ignore),
    Pod: new Store(kinds.Pod.indexes, ignore),
    Service: new Store(kinds.Service.indexes, ignore),
    EndpointSlice: new Store(kinds.EndpointSlice.indexes, ignore),
    NetworkPolicy: new Store(kinds.NetworkPolicy.indexes, ignore),
  };
  for (const kind of ["Node", "Namespace", "Service", "EndpointSlice", "NetworkPolicy"] as const)
    stores[kind].note({ synced: true });
  assert.match(missingInput(stores, { synced: true }) ?? "", /every Pod yet/);
  stores.Pod.note({ synced: true });
  assert.match(missingInput(stores, { synced: false }) ?? "", /northbound database/);
  assert.equal(missingInput(stores, { synced: true }), undefined);
});
