// What a running agent knows while its API server lists too little: what it knew. The way in goes by it, and so does the
// proof that no policy selects a pod.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { KubeClient } from "../../src/kube/client.ts";
import type { Clock } from "../../src/kube/clock.ts";
import { type Json, record } from "../../src/kube/json.ts";
import type { Service } from "../../src/kube/objects.ts";
import type { Store } from "../../src/kube/store.ts";
import { watched } from "../../src/node/watched.ts";
import { type ApiObject, node, pod, policy, service, slice } from "./clusterObjects.ts";
import { type Lie, LyingApi, lies } from "./lyingApi.ts";

/** Twenty times as fast. */
const hurried: Clock = {
  now: () => performance.now() * 20,
  wall: () => Date.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms / 20);
    return () => clearTimeout(timer);
  },
};

const objects: readonly ApiObject[] = [
  node(2),
  ...[5, 6].map((offset) => pod(`p${offset}`, 2, offset)),
  ...[5, 6, 7].map(service),
  slice(5, ["10.242.0.5"]),
  policy,
];

const plurals = ["nodes", "pods", "services", "endpointslices", "networkpolicies"];

/** What any of the stores tells. */
type Known = Pick<Store<Service>, "freshness" | "ready" | "size"> & {
  readonly values: () => Iterable<{ readonly name: string }>;
};

interface Agent extends AsyncDisposable {
  readonly api: LyingApi;
  readonly stores: readonly Known[];
  readonly services: Store<Service>;
}

async function agent(): Promise<Agent> {
  const api = await LyingApi.start([]);
  api.remember();
  for (const one of objects) api.put(one);
  const client = new KubeClient({ server: api.url, namespace: "default" });
  const ending = new AbortController();
  const { nodes, pods, services, policies, slicesOf } = watched(
    client,
    { nodeName: "n2", isPooled: true },
    { signal: ending.signal, clock: hurried },
  );
  await services.ready(ending.signal);
  const slices = slicesOf(known(services.get("shop", "s5")), ending.signal);
  const stores = [nodes, pods, services, slices, known(policies).NetworkPolicy];
  for (const store of stores) await store.ready(ending.signal);
  return {
    ...{ api, stores, services },
    async [Symbol.asyncDispose]() {
      ending.abort();
      client[Symbol.dispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const known = <T>(value: T | undefined): T => {
  assert.ok(value !== undefined);
  return value;
};

const contents = (stores: Agent["stores"]): readonly (readonly string[])[] =>
  stores.map((store) => [...store.values()].map(({ name }) => name).toSorted());

async function becomes(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isTrue()) {
    assert.ok(performance.now() < deadline, `waited in vain until ${what}`);
    await pause(5);
  }
}

const told: readonly (readonly [what: string, lies: Readonly<Record<string, Lie>> | "another server"])[] = [
  ...lies
    .filter((lie) => lie !== "not served")
    .map((lie) => [lie, Object.fromEntries(plurals.map((plural) => [plural, lie]))] as const),
  ["nothing at all, and it is another cluster's", "another server"],
];

for (const [what, said] of told)
  test(`a running agent keeps what it knows when the API server lists ${what}`, {
    timeout: 60_000,
  }, async () => {
    await using running = await agent();
    const { api, stores } = running;
    const before = contents(stores);
    assert.deepEqual(before, [["n2"], ["p5", "p6"], ["s5", "s6", "s7"], ["s5-x"], ["web"]]);
    const lists = stores.map(({ freshness }) => freshness.lists);
    if (said === "another server") api.replace();
    else api.lie(said);
    await becomes("the lies are taken in", () =>
      stores.every(({ freshness }, index) => freshness.lists > (lists[index] ?? 0)),
    );
    // Each object is asked for several times.
    await pause(1_500);
    assert.deepEqual(contents(stores), before);
    api.tellTheTruth();
    await becomes("nothing is in doubt", () => stores.every(({ freshness }) => freshness.unlisted === 0));
    api.delete("services", "shop/s7");
    await becomes("a deleted Service goes", () => running.services.size === 2);
    assert.deepEqual(contents(stores).toSpliced(2, 1), before.toSpliced(2, 1));
  });

test("a slice that becomes another Service's while nobody watches leaves the agent's", {
  timeout: 60_000,
}, async () => {
  await using running = await agent();
  const { api, stores } = running;
  const slices = known(stores[3]);
  const { plural, object } = slice(5, ["10.242.0.5"]);
  const labels = { "kubernetes.io/service-name": "s6" };
  const metadata: Json = { ...record(object.metadata), labels };
  api.lie({ endpointslices: "nothing" });
  api.put({ plural, object: { ...object, metadata } });
  await becomes("it has gone", () => slices.size === 0);
});
