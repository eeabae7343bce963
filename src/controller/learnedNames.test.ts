import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { clusterNetwork } from "../config/ranges.ts";
import { silent } from "../kube/clock.ts";
import { learnedObjectName } from "../kube/learnedName.ts";
import { emptyStore, putRaw } from "../kube/stores.ts";
import { formatIp, parseCidr, parseIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import { Groups } from "../select/groups.ts";
import { type NameGroup, nameGroupId } from "../select/nameGroup.ts";
import { Selections } from "../select/selections.ts";
import { LearnedNames } from "./learnedNames.ts";

const wallMs = Date.parse("2026-11-29T12:00:00Z");
const group: NameGroup = { kind: "name", pattern: "*.example.com", outside: [] };

function world() {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly action: () => void }>();
  const clock = {
    now: () => now,
    wall: () => wallMs + now,
    after: (ms: number, action: () => void) => {
      const timer = { at: now + ms, action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const source = () =>
    new Selections({
      placesOf: () => [],
      run: async () => undefined,
      onError: (error) => assert.fail(String(error)),
    });
  const groups = new Groups({ subject: source(), peer: source() });
  const stores = { LearnedName: emptyStore("LearnedName"), ServiceCIDR: emptyStore("ServiceCIDR") };
  const queued = new Set<Owner>();
  const written: number[] = [];
  const is = { installed: true };
  const waiting: (() => void)[] = [];
  const names = new LearnedNames({
    ...{ stores, groups, clock, log: silent },
    network: clusterNetwork({
      pods: ["10.244.0.0/16"],
      services: ["10.96.0.0/12"],
      join: ["100.64.0.0/16"],
      direct: [],
    }),
    places: {
      nodes: () => [{ hostAddresses: [parseIp("172.30.0.2")] }] as unknown as readonly ResolvedNode[],
    },
    observed: {
      hasMembers: () => true,
      ports: { chassisOf: () => undefined } as never,
    },
    enqueue: (owner) => void queued.add(owner),
    installed: async () => {
      if (!is.installed) await new Promise<void>((resolve) => waiting.push(resolve));
      return "installed";
    },
    write: async (_, generation) => void written.push(generation),
    signal: new AbortController().signal,
  });
  names.begin();
  const use = (...all: readonly NameGroup[]): void =>
    void groups.use("clusternetworkpolicy/p", { subject: [], peer: [], nodes: [], names: all });
  use(group);
  let version = 0;
  const put = (generation: number, inForce: number, addresses: Readonly<Record<string, number>>): void => {
    const entries = Object.entries(addresses).map(([ip, untilMs]) => [
      ip,
      { name: "www.example.com", until: new Date(wallMs + untilMs).toISOString() },
    ]);
    putRaw(stores, "LearnedName", {
      metadata: {
        ...{
          name: learnedObjectName(group.pattern),
          uid: "1",
          resourceVersion: String(++version),
          generation,
        },
      },
      spec: { pattern: group.pattern, addresses: Object.fromEntries(entries) },
      status: { observedGeneration: inForce },
    });
  };
  /** Plans what is queued, as the queue does. */
  const work = async (): Promise<void> => {
    for (const owner of queued) {
      queued.delete(owner);
      const found = groups.nameGroup(parseOwner(owner).name);
      if (found) names.addresses(found);
      names.planned(found);
    }
    for (let turns = 0; turns < 5; turns++) await turn();
  };
  const pass = async (ms: number): Promise<void> => {
    const until = now + ms;
    for (; now < until; now += 1000) {
      for (const timer of timers)
        if (timer.at <= now) {
          timers.delete(timer);
          timer.action();
        }
      await work();
    }
  };
  const addresses = (of: NameGroup = group): readonly string[] => names.addresses(of).map(formatIp);
  const release = (): void => {
    for (const done of waiting.splice(0)) done();
  };
  return { names, use, put, work, pass, addresses, queued, written, is, release, stores };
}

test("an address counts until its time is over, and then its owner is planned again", async () => {
  const { put, pass, addresses, queued } = world();
  put(1, 1, { "192.0.2.1": 60_000, "192.0.2.2": 300_000 });
  assert.deepEqual(addresses(), ["192.0.2.1", "192.0.2.2"]);
  queued.clear();
  await pass(59_000);
  assert.deepEqual(addresses(), ["192.0.2.1", "192.0.2.2"]);
  await pass(1_000);
  assert.deepEqual(addresses(), ["192.0.2.2"]);
  await pass(240_000);
  assert.deepEqual(addresses(), []);
});

test("no answer opens addresses of the cluster or with a meaning of their own", () => {
  const { put, addresses, stores } = world();
  const own = [
    "10.244.3.7",
    "10.96.0.1",
    "100.64.0.1",
    "172.30.0.2",
    "127.0.0.1",
    "169.254.169.254",
    "fe80::1",
  ];
  const metadata = ["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"];
  put(1, 1, Object.fromEntries([...own, ...metadata, "192.0.2.1", "10.50.0.1"].map((ip) => [ip, 60_000])));
  assert.deepEqual(addresses(), ["192.0.2.1", "10.50.0.1"]);
  putRaw(stores, "ServiceCIDR", {
    metadata: { name: "more", uid: "2", resourceVersion: "9" },
    spec: { cidrs: ["10.50.0.0/24"] },
  });
  assert.deepEqual(addresses(), ["192.0.2.1"]);
});

test("what an earlier rule passes on is left out of a group of its own", () => {
  const { put, addresses, use } = world();
  const range = parseCidr("192.0.2.0/28") ?? assert.fail();
  const rest: NameGroup = { ...group, outside: [range] };
  assert.notEqual(nameGroupId(rest), nameGroupId(group));
  use(group, rest);
  put(1, 1, { "192.0.2.1": 60_000, "192.0.2.99": 60_000 });
  assert.deepEqual(addresses(rest), ["192.0.2.99"]);
  assert.deepEqual(addresses(), ["192.0.2.1", "192.0.2.99"]);
});

test("a generation is said to be in force once it is, and each only once", async () => {
  const { put, work, written, is, release } = world();
  is.installed = false;
  put(1, 0, { "192.0.2.1": 60_000 });
  await work();
  assert.deepEqual(written, []);
  put(2, 0, { "192.0.2.1": 60_000, "192.0.2.2": 60_000 });
  await work();
  release();
  await work();
  // The second came meanwhile: it has a proof of its own.
  assert.deepEqual(written, [1]);
  release();
  await work();
  assert.deepEqual(written, [1, 2]);
  put(2, 2, { "192.0.2.1": 60_000, "192.0.2.2": 60_000 });
  await work();
  assert.deepEqual(written, [1, 2]);
});

test("a restarted controller says nothing about what is in force already", async () => {
  const { put, names, work, written } = world();
  put(7, 7, { "192.0.2.1": 60_000 });
  names.planned(group);
  await work();
  assert.deepEqual(written, []);
});
