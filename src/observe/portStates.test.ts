import assert from "node:assert/strict";
import { test } from "node:test";
import { crossed } from "./portStates.ts";

test("between two states of a port lie those that only one of them has reached", () => {
  assert.deepEqual([...crossed("absent", "unbound")], ["unbound"]);
  assert.deepEqual([...crossed("unbound", "installed")], ["bound", "installed"]);
  assert.deepEqual([...crossed("installed", "absent")], ["unbound", "bound", "installed"]);
  assert.deepEqual([...crossed("bound", "bound")], []);
});
