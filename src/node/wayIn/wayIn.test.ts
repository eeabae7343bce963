import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { silent } from "../../kube/clock.ts";
import { emptyStore } from "../../kube/stores.ts";
import { WayIn, type WayInPlace } from "./wayIn.ts";

const place = (): WayInPlace => ({
  hosts: [],
  subnets: [],
  masquerade: undefined,
  loopback: undefined,
  bridge: undefined,
});

async function becomes(what: string, isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns++) {
    assert.ok(turns < 1_000, `waited in vain until ${what}`);
    await turn();
  }
}

test("what is taken away while it is being written is written again, and nobody compares it meanwhile", async () => {
  const listing = Promise.withResolvers<string>();
  let writes = 0;
  const stores = {
    services: emptyStore("Service"),
    pods: emptyStore("Pod"),
    floatings: emptyStore("FloatingAddress"),
  };
  for (const store of Object.values(stores)) store.note({ synced: true });
  const wayIn = new WayIn({
    ...stores,
    nodeName: "n1",
    run: async ([program, verb]) => {
      if (verb === "-f") writes++;
      return program === "unshare" ? await listing.promise : "";
    },
    forget: async () => undefined,
    changed: () => undefined,
    log: silent,
  });
  const ending = new AbortController();
  const running = wayIn.run(ending.signal);
  wayIn.set(place());
  await becomes("the first write is under way", () => writes === 1);
  assert.equal(wayIn.checks(), undefined);
  wayIn.set(place());
  listing.resolve("table inet weft_way_in {}");
  await becomes("it is written again", () => writes === 2);
  await becomes("it can be compared", () => wayIn.checks()?.length === 1);
  ending.abort();
  await running;
});
