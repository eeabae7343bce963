import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { silent } from "../../kube/clock.ts";
import { emptyStore } from "../../kube/stores.ts";
import { PortWriter, type WayInPlace } from "./portWriter.ts";

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
  const writer = new PortWriter({
    ...stores,
    nodeName: "n1",
    run: async ([program, verb]) => {
      if (verb === "-f") writes++;
      return program === "unshare" ? await listing.promise : "";
    },
    forget: async () => undefined,
    ledBefore: { udp: undefined, keepUdp: async () => undefined },
    outcome: () => undefined,
    log: silent,
  });
  const ending = new AbortController();
  const running = writer.run(ending.signal);
  writer.set(place());
  await becomes("the first write is under way", () => writes === 1);
  assert.equal(writer.checks(), undefined);
  writer.set(place());
  listing.resolve("table inet weft_way_in {}");
  await becomes("it is written again", () => writes === 2);
  await becomes("it can be compared", () => writer.checks()?.length === 1);
  ending.abort();
  await running;
});

test("a UDP port that led elsewhere before the agent started is forgotten, and then what leads where is kept", async () => {
  const stores = {
    services: emptyStore("Service"),
    pods: emptyStore("Pod"),
    floatings: emptyStore("FloatingAddress"),
  };
  for (const store of Object.values(stores)) store.note({ synced: true });
  const done: string[] = [];
  const writer = new PortWriter({
    ...stores,
    nodeName: "n1",
    run: async ([program, ...args]) => {
      if (program === "conntrack") done.push(args.join(" "));
      return "";
    },
    forget: async () => undefined,
    ledBefore: {
      udp: new Set(["30053 10.96.0.10 53"]),
      keepUdp: async (now) => void done.push(`kept ${now.size}`),
    },
    outcome: () => undefined,
    log: silent,
  });
  const ending = new AbortController();
  const running = writer.run(ending.signal);
  writer.set(place());
  await becomes("it is kept", () => done.includes("kept 0"));
  assert.deepEqual(done, ["-D -f ipv4 -p udp --dport 30053", "-D -f ipv6 -p udp --dport 30053", "kept 0"]);
  ending.abort();
  await running;
});
