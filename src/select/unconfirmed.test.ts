import assert from "node:assert/strict";
import { test } from "node:test";
import { Unconfirmed } from "./unconfirmed.ts";

test("a policy of the whole cluster that nobody has asked for may be about any namespace, another one about its own", () => {
  const unconfirmed = new Unconfirmed();
  unconfirmed.add("namespace/bank");
  assert.equal(unconfirmed.mayMissPolicyIn("shop"), false);
  unconfirmed.add("clusternetworkpolicy/all");
  assert.equal(unconfirmed.mayMissPolicyIn("shop"), true);
  unconfirmed.asked("clusternetworkpolicy/all");
  unconfirmed.add("networkpolicy/bank/one");
  assert.deepEqual(
    ["shop", "bank"].map((name) => unconfirmed.mayMissPolicyIn(name)),
    [false, true],
  );
});

test("what has been asked for stays unconfirmed until it is confirmed", () => {
  const unconfirmed = new Unconfirmed();
  unconfirmed.add("networkpolicy/bank/one");
  unconfirmed.asked("networkpolicy/bank/one");
  assert.deepEqual([unconfirmed.has("networkpolicy/bank/one"), unconfirmed.isEmpty], [true, false]);
  unconfirmed.confirm("networkpolicy/bank/one");
  unconfirmed.asked("networkpolicy/bank/one");
  assert.equal(unconfirmed.isEmpty, true);
});
