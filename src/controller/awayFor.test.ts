import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { awayFor } from "./awayFor.ts";

test("a database that comes back in time is not away; one that stays away is, once the time is over", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  const replica = { synced: true };
  using away = awayFor(5_000, replica, () => now);
  const pass = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      now += 1_000;
      mock.timers.tick(1_000);
    }
  };
  pass(10);
  replica.synced = false;
  pass(5);
  replica.synced = true;
  pass(1);
  replica.synced = false;
  pass(5);
  assert.equal(away.signal.aborted, false);
  pass(1);
  assert.equal(away.signal.aborted, true);
  assert.match(String(away.signal.reason), /no connection to the northbound database for 5 s/);
  mock.timers.reset();
});
