import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowWatch } from "./flowWatch.ts";

/** The seconds at which flows are renewed when these are the counts every four seconds. */
async function renewals(...counts: readonly (number | undefined)[]): Promise<readonly number[]> {
  let now = 0;
  const at: number[] = [];
  const left = [...counts];
  const renew = async (): Promise<void> => void at.push(now / 1000);
  const watch = new FlowWatch({ count: async () => left.shift(), renew }, () => now);
  for (; left.length > 0; now += 4_000) await watch.look();
  return at;
}

test("flows that stay away are renewed, and again only after half a minute", async () => {
  assert.deepEqual(await renewals(9, 0, 0, 9, 9), [8]);
  assert.deepEqual(await renewals(...Array<number>(14).fill(0)), [4, 36]);
});

test("flows that are missing for a moment, as after a restart of vswitchd, come back by themselves", async () => {
  assert.deepEqual(await renewals(9, 0, 9, 0, 9), []);
});

test("while Open vSwitch does not say, or ovn-controller has nothing to write yet, nothing is renewed", async () => {
  assert.deepEqual(await renewals(undefined, undefined, undefined, undefined), []);
});
