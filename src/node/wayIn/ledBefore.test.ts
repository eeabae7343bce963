import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Log, silent } from "../../kube/clock.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import { floatingAddressOf } from "../../kube/floatingAddress.ts";
import { Interner } from "../../kube/intern.ts";
import { emptyStore } from "../../kube/stores.ts";
import { formatIp, type Ip } from "../../model/ip.ts";
import { flushMoved } from "./floatingFlush.ts";
import { LedBefore } from "./ledBefore.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-led-"));
after(() => rmSync(folder, { recursive: true }));

const floating = (name: string, address: string, podUID: string): FloatingAddress =>
  floatingAddressOf(
    {
      metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: "1" },
      spec: { podName: "web" },
      status: { addresses: [address], podName: "web", podUID, nodeName: "n1" },
    },
    new Interner(),
  ) ?? assert.fail();

/** An agent's flushing, with a clock that a test moves on, until it is ended. */
async function agent(file: string) {
  const floatings = emptyStore("FloatingAddress");
  const ending = new AbortController();
  const rounds = new Set<() => void>();
  const forgotten: string[] = [];
  const ledBefore = await LedBefore.read(file, silent);
  let kept = Promise.withResolvers<void>();
  const options = {
    floatings,
    forget: async (ips: readonly Ip[]) => void forgotten.push(...ips.map(formatIp)),
    ledBefore: {
      floating: ledBefore.floating,
      keepFloating: async (now: ReadonlyMap<string, string>) => {
        await ledBefore.keepFloating(now);
        kept.resolve();
      },
    },
    run: async () => "",
    clock: {
      now: () => 0,
      wall: () => 0,
      after: (_: number, action: () => void) => {
        rounds.add(action);
        return () => void rounds.delete(action);
      },
    },
    log: silent,
  };
  flushMoved(options, ending.signal);
  return {
    floatings,
    forgotten,
    end: () => ending.abort(),
    shows: (...objects: readonly FloatingAddress[]) => {
      floatings.apply(objects.map((object) => ({ type: "put", object })));
    },
    /** All rounds that are due pass; then what was found is written. */
    pass: async () => {
      kept = Promise.withResolvers();
      for (const round of rounds) round();
      rounds.clear();
      await kept.promise;
    },
  };
}

test("what a floating address led to before the agent started is forgotten, if it leads to another pod now", async () => {
  const file = join(folder, "floating");
  const first = await agent(file);
  first.shows(floating("one", "172.30.0.210", "a"), floating("two", "172.30.0.211", "a"));
  first.floatings.note({ synced: true });
  await first.pass();
  assert.deepEqual(first.forgotten, [], "nothing is known of the time before");
  first.end();

  const second = await agent(file);
  second.shows(floating("one", "172.30.0.210", "b"), floating("two", "172.30.0.211", "a"));
  assert.deepEqual(second.forgotten, [], "the list is not complete");
  second.floatings.note({ synced: true });
  await turn();
  second.end();

  const third = await agent(file);
  third.shows(floating("one", "172.30.0.210", "b"), floating("two", "172.30.0.211", "a"));
  third.floatings.note({ synced: true });
  await turn();
  await third.pass();
  assert.deepEqual([...new Set(third.forgotten)], ["172.30.0.210"], "the second one ended too early");
  third.end();

  const fourth = await agent(file);
  fourth.floatings.note({ synced: true });
  await turn();
  await fourth.pass();
  assert.deepEqual([...new Set(fourth.forgotten)], ["172.30.0.210", "172.30.0.211"], "they lead nowhere");
  fourth.end();
});

test("what is kept survives its agent, and a file that makes no sense says nothing", async () => {
  const file = join(folder, "led");
  const before = await LedBefore.read(file, silent);
  assert.deepEqual([before.udp, before.floating], [undefined, undefined]);
  await Promise.all([
    before.keepUdp(new Set(["53 10.96.0.10 53"])),
    before.keepFloating(new Map([["a", "b"]])),
  ]);
  const now = await LedBefore.read(file, silent);
  assert.deepEqual(now.udp, new Set(["53 10.96.0.10 53"]));
  assert.deepEqual(now.floating, new Map([["a", "b"]]));
  writeFileSync(file, '{"udp":7}');
  const said: string[] = [];
  const log: Log = (_, message) => void said.push(message);
  assert.equal((await LedBefore.read(file, log)).udp, undefined);
  assert.match(said.join(), /cannot be read/);
});

test("a file that cannot be written is reported, and nothing else fails", async () => {
  const said: string[] = [];
  const led = await LedBefore.read(join(folder, "absent", "led"), (_, message) => void said.push(message));
  await led.keepUdp(new Set(["53 10.96.0.10 53"]));
  assert.match(said.join(), /cannot write where ports and addresses lead/);
  assert.deepEqual(led.udp, new Set(["53 10.96.0.10 53"]), "the agent itself goes by it");
});
