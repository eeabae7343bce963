import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Json } from "../kube/json.ts";
import { record } from "../kube/json.ts";
import { learnedObjectName } from "../kube/learnedName.ts";
import { aClusterPolicy } from "../kube/policyFixture.ts";
import { emptyStore, putRaw } from "../kube/stores.ts";
import { Book } from "./book.ts";
import type { Heard } from "./hearing.ts";

const wallMs = Date.parse("2026-11-29T12:00:00Z");

/** The API as far as the book uses it, with its watch; and two books on it. */
function world() {
  const ending = new AbortController();
  const timers = new Set<{ readonly at: number; readonly action: () => void }>();
  let now = 0;
  const clock = {
    now: () => now,
    wall: () => wallMs + now,
    after: (ms: number, action: () => void) => {
      const timer = { at: now + ms, action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await turn();
  };
  const pass = async (ms: number): Promise<void> => {
    await settle();
    const until = now + ms;
    for (;;) {
      const due = [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (!due) break;
      now = Math.max(now, due.at);
      timers.delete(due);
      due.action();
      await settle();
    }
    now = until;
  };
  const stores = {
    LearnedName: emptyStore("LearnedName"),
    ClusterNetworkPolicy: emptyStore("ClusterNetworkPolicy"),
  };
  stores.ClusterNetworkPolicy.note({ lagging: false });
  const objects = new Map<string, Json>();
  let version = 0;
  let uid = 0;
  const is = { away: false, controller: true };
  let writes = 0;
  const put = (name: string, spec: Json, status: Json, generation: number, id: unknown): void => {
    version++;
    const metadata = { name, uid: id, resourceVersion: String(version), generation };
    const object = { kind: "LearnedName", metadata, spec, status };
    objects.set(name, object);
    putRaw(stores, "LearnedName", object);
  };
  const generationOf = (object: Json): number => Number(record(object.metadata)["generation"]);
  const putInForce = (name: string): void => {
    const object = objects.get(name);
    if (!object || !is.controller) return;
    const generation = generationOf(object);
    put(
      name,
      record(object.spec),
      { observedGeneration: generation },
      generation,
      record(object.metadata)["uid"],
    );
  };
  const client = {
    create: async (_: string, body: Json) => {
      if (is.away) throw new Error("away");
      const name = String(record(body.metadata)["name"]);
      if (!objects.has(name)) put(name, record(body.spec), {}, 1, `uid-${++uid}`);
      setImmediate(() => putInForce(name));
      return objects.get(name);
    },
    patch: async (path: string, patch: Json | readonly Json[]) => {
      if (is.away) throw new Error("away");
      writes++;
      const name = path.split("/").at(-1) ?? "";
      const object = objects.get(name) ?? assert.fail(`no ${name}`);
      const spec = record(object.spec);
      const changes = record(record(record(patch).spec).addresses);
      const addresses = Object.fromEntries(
        Object.entries({ ...record(spec["addresses"]), ...changes }).filter(([, value]) => value !== null),
      );
      put(
        name,
        { ...spec, addresses },
        record(object.status),
        generationOf(object) + 1,
        record(object.metadata)["uid"],
      );
      setImmediate(() => putInForce(name));
      return objects.get(name);
    },
    delete: async (path: string) => {
      const name = path.split("/").at(-1) ?? "";
      objects.delete(name);
      stores.LearnedName.apply([{ type: "remove", namespace: "", name }]);
    },
  };
  const beyond: number[] = [];
  const book = (): Book =>
    new Book({
      client,
      policies: stores.ClusterNetworkPolicy,
      names: stores.LearnedName,
      onBeyond: (_, count) => beyond.push(count),
      clock,
      log: () => undefined,
      signal: ending.signal,
    });
  const allow = (...patterns: readonly string[]): void => {
    const peers = patterns.map((pattern) => ({ kind: "name" as const, pattern }));
    const egress = [{ action: "Accept" as const, index: 0, name: "", peers, ports: undefined }];
    stores.ClusterNetworkPolicy.apply([
      { type: "put", object: aClusterPolicy("names", { egress, resourceVersion: String(++version) }) },
    ]);
  };
  const known = (pattern: string): readonly string[] | undefined => {
    const object = stores.LearnedName.get("", learnedObjectName(pattern));
    return object && [...object.addresses.keys()];
  };
  return { book, allow, known, pass, is, beyond, objects, client, writes: () => writes, clock };
}

const heard = (nowMs: number, lastsMs: number, ...ips: readonly string[]): Heard => ({
  name: "www.example.com",
  addresses: new Map(ips.map((ip) => [ip, { name: "www.example.com", untilMs: wallMs + nowMs + lastsMs }])),
});

test("each name in a policy gets an object, and what is heard of it counts for all patterns that match", async () => {
  const { book, allow, known, pass } = world();
  const one = book();
  one.begin();
  allow("www.example.com", "*.example.com", "*.example.org");
  await pass(0);
  assert.deepEqual(known("*.example.org"), []);
  const learnt = one.learn(heard(0, 70_000, "192.0.2.1"), 1_000);
  await pass(0);
  assert.equal(await learnt, true);
  assert.deepEqual(known("www.example.com"), ["192.0.2.1"]);
  assert.deepEqual(known("*.example.com"), ["192.0.2.1"]);
  assert.deepEqual(known("*.example.org"), []);
  assert.equal(await one.learn(heard(0, 70_000, "192.0.2.1"), 1_000), true);
});

test("what is new is waited for as long as it is worth it, and no longer", async () => {
  const { book, allow, pass, is } = world();
  const one = book();
  one.begin();
  allow("www.example.com");
  await pass(0);
  is.controller = false;
  const late = one.learn(heard(0, 70_000, "192.0.2.1"), 1_000);
  await pass(1_000);
  assert.equal(await late, false);
});

test("a name that everybody asks for costs a write now and then, and stays known", async () => {
  const { book, allow, known, pass, writes } = world();
  const one = book();
  one.begin();
  allow("www.example.com");
  await pass(0);
  for (let second = 0; second < 300; second += 5) {
    void one.learn(heard(second * 1000, 60_000, "192.0.2.1"), 1_000);
    await pass(5_000);
    assert.deepEqual(known("www.example.com"), ["192.0.2.1"]);
  }
  assert.ok(writes() <= 32, `${writes()} writes`);
});

test("expired addresses go, and the object when no policy names it any more", async () => {
  const { book, allow, known, pass } = world();
  const one = book();
  one.begin();
  allow("www.example.com");
  await pass(0);
  void one.learn(heard(0, 60_000, "192.0.2.1"), 1_000);
  await pass(200_000);
  assert.deepEqual(known("www.example.com"), []);
  allow("www.example.org");
  await pass(60_000);
  assert.equal(known("www.example.com"), undefined);
  assert.deepEqual(known("www.example.org"), []);
});

test("two resolvers keep what either has heard, and an object that somebody deletes comes back", async () => {
  const { book, allow, known, pass, client } = world();
  const [one, two] = [book(), book()];
  one.begin();
  two.begin();
  allow("www.example.com");
  await pass(0);
  void one.learn(heard(0, 300_000, "192.0.2.1"), 1_000);
  void two.learn(heard(0, 300_000, "192.0.2.2"), 1_000);
  await pass(1_000);
  assert.deepEqual(known("www.example.com")?.toSorted(), ["192.0.2.1", "192.0.2.2"]);
  await client.delete(`/x/${learnedObjectName("www.example.com")}`);
  await pass(1_000);
  assert.deepEqual(known("www.example.com"), []);
  void one.learn(heard(2_000, 300_000, "192.0.2.3"), 1_000);
  await pass(1_000);
  assert.deepEqual(known("www.example.com"), ["192.0.2.3"]);
});

test("while the API server is away it says so, and writes what it has heard when it is back", async () => {
  const { book, allow, known, pass, is } = world();
  const one = book();
  one.begin();
  allow("www.example.com");
  await pass(0);
  is.away = true;
  const late = one.learn(heard(0, 300_000, "192.0.2.1"), 1_000);
  await pass(5_000);
  assert.equal(await late, false);
  assert.match(one.trouble ?? "", /cannot be written: away/);
  is.away = false;
  await pass(2_000);
  assert.deepEqual(known("www.example.com"), ["192.0.2.1"]);
  assert.equal(one.trouble, undefined);
});

test("more addresses than a name may have are told, and hold nobody up", async () => {
  const { book, allow, known, pass, beyond } = world();
  const one = book();
  one.begin();
  allow("www.example.com");
  await pass(0);
  const all = Array.from({ length: 150 }, (_, nth) => `192.0.2.${nth}`);
  const learnt = one.learn(heard(0, 300_000, ...all), 1_000);
  await pass(0);
  assert.equal(await learnt, true);
  assert.equal(known("www.example.com")?.length, 100);
  assert.deepEqual(beyond, [50]);
});
