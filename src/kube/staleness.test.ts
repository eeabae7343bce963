import assert from "node:assert/strict";
import { test } from "node:test";
import { Staleness } from "./staleness.ts";
import { emptyStore } from "./stores.ts";

function world() {
  let now = 0;
  const stores = { Pod: emptyStore("Pod"), Service: emptyStore("Service") };
  for (const store of Object.values(stores)) store.note({ synced: true, lagging: false });
  const staleness = new Staleness(stores, () => now);
  const after = (ms: number): string | undefined => {
    now += ms;
    staleness.look();
    return staleness.problem;
  };
  return { ...stores, after };
}

test("a kind that the API server refuses for long is named with its reason, and the others are not", () => {
  const { Service, after } = world();
  Service.note({ lagging: true, failure: "GET /api/v1/services: 403 Forbidden" });
  assert.equal(after(0), undefined);
  assert.equal(after(20_000), "no news of Service from the API server: GET /api/v1/services: 403 Forbidden");
  Service.note({ lagging: false, failure: "" });
  assert.equal(after(1_000), undefined);
});

test("a watch that ends and begins again is not noticed", () => {
  const { Pod, after } = world();
  for (let round = 0; round < 10; round++) {
    Pod.note({ lagging: true, failure: "closed" });
    assert.equal(after(10_000), undefined);
    Pod.note({ lagging: false, failure: "" });
    assert.equal(after(1_000), undefined);
  }
});

test("a server that is silent without an error counts too, and a common reason is said once", () => {
  const { Pod, Service, after } = world();
  for (const store of [Pod, Service]) store.note({ lagging: true });
  after(0);
  assert.equal(after(20_000), "no news of Pod, Service from the API server: the API server does not answer");
});

test("an optional kind that may not be read is named although it counts as empty", () => {
  const { Pod, after } = world();
  Pod.note({ lagging: false, failure: "403" });
  after(0);
  assert.match(after(20_000) ?? "", /Pod.*403/);
});

test("where only refusals count, a server that is away is none", () => {
  let now = 0;
  const store = emptyStore("NetworkPolicy");
  const staleness = new Staleness({ NetworkPolicy: store }, () => now, true);
  const later = (): string | undefined => {
    staleness.look();
    now += 20_000;
    return staleness.problem;
  };
  store.note({ synced: true, lagging: true, failure: "connect ECONNREFUSED" });
  assert.equal(later(), undefined);
  store.note({ failure: "GET networkpolicies: 403 Forbidden", refused: true });
  assert.match(later() ?? "", /NetworkPolicy.*403/);
});
