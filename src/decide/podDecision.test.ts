import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { emptyStore } from "../kube/stores.ts";
import { namesOf } from "../model/names.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { Api, aNode, aPod, settled } from "./decidedFixture.ts";
import { Decider } from "./decider.ts";
import { NotNow } from "./errors.ts";
import { podDecision } from "./podDecision.ts";
import type { Policing } from "./policing.ts";

const name = { kind: "pod", namespace: "shop", name: "web-1" };

/** A pod that is not in the store yet, on a node that has a subnet. */
async function world(first: Parameters<typeof aPod>[1] = {}, policing?: Policing) {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1", first));
  const clock = { now: 0 };
  const again: (readonly [owner: string, delayMs: number])[] = [];
  const network = clusterNetwork({ pods: ["10.244.0.0/16"], services: [], join: defaultJoin });
  const rows = new PortRows();
  const lives = new Decider({ network, names: namesOf("demo"), rows, patch: api.patch });
  await settled(() => lives.nodeLives.decide(api.node("n1")));
  const Pod = emptyStore("Pod");
  const put = (change: Parameters<typeof aPod>[1] = {}): void =>
    Pod.apply([{ type: "put", object: { ...api.pod("web-1"), ...change } }]);
  const tell = { refused: () => undefined, distrusted: () => undefined, decided: () => undefined };
  const { signal } = new AbortController();
  const decision = podDecision({
    lives: lives.podLives,
    nodes: lives.nodeLives,
    stores: { Pod },
    again: (owner, delayMs) => again.push([owner, delayMs]),
    now: () => clock.now,
    policing,
    tell,
    signal,
  });
  const decide = () => decision.decide(name);
  const chosen = () => lives.pod(api.pod("web-1"));
  return { api, lives, rows, Pod, put, decide, chosen, clock, again };
}

/** A pod with an address that is gone from the store again, and what its end releases. */
async function goneAgain(first: Parameters<typeof aPod>[1] = {}) {
  const { Pod, ...of } = await world(first);
  of.put();
  await of.decide();
  Pod.apply([{ type: "remove", namespace: "shop", name: "web-1" }]);
  const { release = () => undefined } = await of.decide();
  assert.ok(of.chosen());
  return { ...of, release };
}

const hash = { "kubernetes.io/config.mirror": "0d5f" };

test("what was chosen for a pod is released once the pod is gone", async () => {
  const { release, chosen } = await goneAgain();
  release();
  assert.equal(chosen(), undefined);
});

test("a pod that is listed again before its rows have gone keeps what was chosen for it", async () => {
  const { put, decide, release, chosen } = await goneAgain();
  put();
  const before = chosen();
  assert.equal((await decide()).release, undefined);
  release();
  assert.equal(chosen(), before);
});

test("a static pod keeps its address while its kubelet makes another mirror, and no longer", async () => {
  const { api, lives, put, decide, release, chosen, again } = await goneAgain({ annotations: hash });
  assert.deepEqual(again, [["pod/shop/web-1", 90_000]]);
  assert.ok(lives.isBetweenMirrors("shop", "web-1"));
  release();
  const before = chosen();
  const next = aPod("web-1", { uid: "next", annotations: hash });
  api.put(next);
  put({ uid: "next", annotations: hash });
  assert.equal((await decide()).release, undefined);
  assert.ok(before);
  assert.equal(lives.pod(next), before);
  assert.ok(!lives.isBetweenMirrors("shop", "web-1"));

  const gone = await goneAgain({ annotations: hash });
  gone.clock.now = 90_000;
  (await gone.decide()).release?.();
  assert.equal(gone.chosen(), undefined);
  assert.ok(!gone.lives.isBetweenMirrors("shop", "web-1"));
});

test("a mirror of another file is another pod, and a pod of another name with the hash too", async () => {
  const { api, lives, put, decide, chosen } = await goneAgain({ annotations: hash });
  const before = chosen();
  const another = { "kubernetes.io/config.mirror": "77aa" };
  api.put(aPod("web-1", { uid: "next", annotations: another }));
  put({ uid: "next", annotations: another });
  const { release } = await decide();
  assert.ok(release);
  assert.notDeepEqual(lives.pod(aPod("web-1", { uid: "next", annotations: another })), before);
  assert.equal(lives.pod(aPod("web-2", { uid: "x", annotations: hash })), undefined);
});

test("a pod that has finished, or another one of its name, does not keep what was chosen", async () => {
  for (const change of [{ phase: "Succeeded" as const }, { uid: "another" }]) {
    const { put, release, chosen } = await goneAgain();
    put(change);
    release();
    assert.equal(chosen(), undefined);
  }
});

/** Prepares nothing before it is told to. */
function policed() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked: string[] = [];
  const prepared = (pod: { readonly name: string }): Promise<void> => {
    asked.push(pod.name);
    return promise;
  };
  return { asked, prepare: resolve, policing: { prepared, isInForce: () => false } };
}

test("a pod is not planned before its policies are in the database, although its address is chosen meanwhile", async () => {
  const { asked, prepare, policing } = policed();
  const { put, decide, chosen } = await world({}, policing);
  put();
  let isDecided = false;
  const decided = decide().then(() => void (isDecided = true));
  while (!chosen()) await turn();
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.deepEqual([isDecided, asked], [false, ["web-1"]]);
  prepare();
  await decided;
});

test("a pod whose labels change while it waits for its policies is decided anew, because others may select it", async () => {
  const { prepare, policing } = policed();
  const { put, decide } = await world({}, policing);
  put();
  const decided = decide();
  put({ labels: { app: "db" } });
  prepare();
  await assert.rejects(decided, NotNow);
});

test("a pod that has its port waits for no policy, so a controller that starts holds up nobody", async () => {
  const { asked, policing } = policed();
  const { rows, put, decide } = await world({}, policing);
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1/digest");
  put();
  await decide();
  assert.deepEqual(asked, []);
});

test("a pod whose port has been planned waits for no policy either, and one that could not be planned does", async () => {
  const { asked, prepare, policing } = policed();
  prepare();
  const { api, put, decide } = await world({}, policing);
  put();
  await decide();
  put({ labels: { app: "db" } });
  (await decide()).stated?.();
  put({ resourceVersion: "9" });
  await decide();
  assert.deepEqual(asked, ["web-1", "web-1"]);
  api.put(aPod("web-1", { uid: "another" }));
  put({ uid: "another" });
  await decide();
  assert.deepEqual(asked, ["web-1", "web-1", "web-1"]);
});
