import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { emptyStore } from "../kube/stores.ts";
import { namesOf } from "../model/names.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { Api, aNode, aPod, settled } from "./decidedFixture.ts";
import { Decider } from "./decider.ts";
import { podDecision } from "./podDecision.ts";

const name = { kind: "pod", namespace: "shop", name: "web-1" };

/** A pod with an address that is gone from the store again, and what its end releases. */
async function goneAgain(first: Parameters<typeof aPod>[1] = {}) {
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
    policing: undefined,
    tell,
    signal,
  });
  const decide = () => decision.decide(name);
  put();
  await decide();
  Pod.apply([{ type: "remove", namespace: "shop", name: "web-1" }]);
  const { release = () => undefined } = await decide();
  const chosen = () => lives.pod(api.pod("web-1"));
  assert.ok(chosen());
  return { api, lives, put, decide, release, chosen, clock, again };
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
  assert.deepEqual(await decide(), {});
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
  assert.deepEqual(await decide(), {});
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
