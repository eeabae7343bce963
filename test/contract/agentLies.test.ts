// What an agent knows while its API server lists too little: what it or its predecessor knew. The way in goes by it, and so does
// the proof that no policy selects a pod.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { KubeClient } from "../../src/kube/client.ts";
import { type Clock, silent } from "../../src/kube/clock.ts";
import { followLeader } from "../../src/kube/followLeader.ts";
import { type Json, record } from "../../src/kube/json.ts";
import { microTime } from "../../src/kube/lease-record.ts";
import type { Service } from "../../src/kube/objects.ts";
import { leases } from "../../src/kube/resource.ts";
import type { Store } from "../../src/kube/store.ts";
import { annotations } from "../../src/model/names.ts";
import { rememberedText } from "../../src/model/remembered.ts";
import { Recollection } from "../../src/node/recollection.ts";
import { watched } from "../../src/node/watched.ts";
import { type ApiObject, clusterPolicy, node, pod, policy, service, slice } from "./clusterObjects.ts";
import { clusterUid, type Lie, LyingApi, lies } from "./lyingApi.ts";

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
  clusterPolicy,
];

const plurals = [
  ...["nodes", "pods", "services", "endpointslices"],
  ...["networkpolicies", "clusternetworkpolicies"],
];

/** Of the controllers. */
const lease = { namespace: "weft", name: "weft-demo" };

/** What the leader says of the API server, renewed at `second`. */
const leadersWord = (second: number, version: number): ApiObject => ({
  plural: leases.plural,
  object: {
    metadata: {
      ...lease,
      annotations: {
        [annotations.apiServer]: rememberedText({
          cluster: clusterUid,
          versions: new Map(plurals.map((plural) => [plural, `${version}`])),
        }),
      },
    },
    spec: { holderIdentity: "n1_17", renewTime: microTime(second * 1000) },
  },
});

/** What any of the stores tells. */
type Known = Pick<Store<Service>, "freshness" | "ready" | "size"> & {
  readonly values: () => Iterable<{ readonly name: string }>;
};

interface Agent extends AsyncDisposable {
  readonly stores: readonly Known[];
  readonly services: Store<Service>;
  /** Of s5, if it is there. */
  readonly slices: Promise<readonly Known[]>;
}

async function honestApi(): Promise<LyingApi> {
  const api = await LyingApi.start([]);
  api.remember();
  for (const one of objects) api.put(one);
  return api;
}

/** Starts; knows what another one has written to `file`, and does the same. */
async function start(api: LyingApi, file: string): Promise<Agent> {
  const client = new KubeClient({ server: api.url, namespace: "default" });
  const ending = new AbortController();
  const recollection = await Recollection.read(file, silent);
  const { server, nodes, pods, services, policies, slicesOf } = watched(
    client,
    { nodeName: "n2", isPooled: true, recollection },
    { signal: ending.signal, clock: hurried },
  );
  const kept = recollection.keep(server, { Pod: pods, Service: services, ...policies }, ending.signal);
  const slices = services.ready(ending.signal).then(() => {
    const service = services.get("shop", "s5");
    return service ? [slicesOf(service, ending.signal)] : [];
  });
  slices.catch(() => undefined);
  const following = followLeader({ client, server, lease, clock: hurried, log: silent }, ending.signal);
  const { NetworkPolicy, ClusterNetworkPolicy } = known(policies);
  return {
    stores: [nodes, pods, services, NetworkPolicy, ClusterNetworkPolicy],
    services,
    slices,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await Promise.all([kept, following]);
      client[Symbol.dispose]();
    },
  };
}

/** A running one, with an API server of its own. */
async function agent() {
  const stack = new AsyncDisposableStack();
  const api = stack.use(await honestApi());
  const folder = await mkdtempDisposable(join(tmpdir(), "weft-agent-lies-"));
  stack.use(folder);
  const { services, ...started } = stack.use(await start(api, join(folder.path, "known")));
  const stores = [...started.stores, ...(await started.slices)];
  for (const store of stores) await store.ready();
  return { api, stores, services, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const known = <T>(value: T | undefined): T => {
  assert.ok(value !== undefined);
  return value;
};

const contents = (stores: readonly Known[]): readonly (readonly string[])[] =>
  stores.map((store) => [...store.values()].map(({ name }) => name).toSorted());

async function becomes(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isTrue()) {
    assert.ok(performance.now() < deadline, `waited in vain until ${what}`);
    await pause(5);
  }
}

const told: readonly (readonly [what: string, lies: Readonly<Record<string, Lie>> | "empty" | "used"])[] = [
  ...lies
    .filter((lie) => lie !== "not served")
    .map((lie) => [lie, Object.fromEntries(plurals.map((plural) => [plural, lie]))] as const),
  ["nothing at all, and it is another cluster's", "empty"],
  ["what another cluster has", "used"],
];

for (const [what, said] of told)
  test(`a running agent keeps what it knows when the API server lists ${what}`, {
    timeout: 60_000,
  }, async () => {
    await using running = await agent();
    const { api, stores } = running;
    const before = contents(stores);
    assert.deepEqual(before, [["n2"], ["p5", "p6"], ["s5", "s6", "s7"], ["web"], ["teams"], ["s5-x"]]);
    const lists = stores.map(({ freshness }) => freshness.lists);
    if (said === "empty" || said === "used") api.replace(said);
    else api.lie(said);
    await becomes("the lies are taken in, or seen to be such", () =>
      stores.every(
        ({ freshness }, index) =>
          freshness.lists > (lists[index] ?? 0) || freshness.failure.includes("more is known"),
      ),
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

test("an agent goes by the leader that lives when that one believes a server that was put back", {
  timeout: 60_000,
}, async () => {
  await using running = await agent();
  const { api, stores } = running;
  const before = contents(stores);
  const [older, later] = [api.olderVersion, 10_000];
  api.put(leadersWord(0, older));
  api.lie(Object.fromEntries(plurals.map((plural) => [plural, "older"])));
  await becomes("the older state is listed", () => stores.every(({ freshness }) => freshness.unlisted > 0));
  for (const [why, second, version] of [
    ["it was said before, and nobody renews the Lease", 0, older],
    ["the leader has not seen yet that the server has gone back", 1, later],
  ] as const) {
    api.put(leadersWord(second, version));
    // The agent looks at the Lease four times.
    await pause(1_000);
    assert.deepEqual(contents(stores), before, why);
  }
  api.put(leadersWord(2, older));
  await becomes("the older state is taken in", () => stores.every(({ size }) => size === 0));
});

test("a slice that becomes another Service's while nobody watches leaves the agent's", {
  timeout: 60_000,
}, async () => {
  await using running = await agent();
  const { api, stores } = running;
  const slices = known(stores[5]);
  const { plural, object } = slice(5, ["10.242.0.5"]);
  const labels = { "kubernetes.io/service-name": "s6" };
  const metadata: Json = { ...record(object.metadata), labels };
  api.lie({ endpointslices: "nothing" });
  api.put({ plural, object: { ...object, metadata } });
  await becomes("it has gone", () => slices.size === 0);
});

/** The names in the stores, once these are complete. */
const complete = async (started: Agent): Promise<readonly (readonly string[])[]> => {
  for (const store of started.stores) await store.ready();
  return contents(started.stores);
};

for (const lie of ["nothing", "less"] as const)
  test(`an agent that starts asks for what its predecessor knew and the list leaves out (${lie})`, {
    timeout: 60_000,
  }, async () => {
    await using api = await honestApi();
    await using folder = await mkdtempDisposable(join(tmpdir(), "weft-agent-lies-"));
    const file = join(folder.path, "known");
    {
      await using first = await start(api, file);
      await complete(first);
      await becomes(
        "it is written down",
        () =>
          existsSync(file) &&
          ["p6", "s7", "web", "teams"].every((name) => readFileSync(file, "utf8").includes(name)),
      );
    }
    api.delete("services", "shop/s7");
    api.lie(Object.fromEntries(plurals.map((plural) => [plural, lie])));
    await using second = await start(api, file);
    assert.deepEqual(await complete(second), [["n2"], ["p5", "p6"], ["s5", "s6"], ["web"], ["teams"]]);
    api.put(service(8));
    api.tellTheTruth();
    await becomes("the list is asked for again", () => second.services.size === 3);
  });

test("an agent that starts waits for the API server of its node, and believes that one", {
  timeout: 60_000,
}, async () => {
  await using api = await honestApi();
  await using folder = await mkdtempDisposable(join(tmpdir(), "weft-agent-lies-"));
  const file = join(folder.path, "known");
  await writeFile(file, JSON.stringify({ cluster: "this", names: { Service: ["shop/s5", "shop/gone"] } }));
  api.replace("empty");
  await using started = await start(api, file);
  // Each object is asked for several times.
  await pause(500);
  assert.equal(started.services.synced, false);
  api.tellTheTruth();
  const expected = [["n2"], ["p5", "p6"], ["s5", "s6", "s7"], ["web"], ["teams"]];
  await becomes("everything is known", () => isDeepStrictEqual(contents(started.stores), expected));
});
