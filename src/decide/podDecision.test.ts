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
async function goneAgain() {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const network = clusterNetwork({ pods: ["10.244.0.0/16"], services: [], join: defaultJoin });
  const rows = new PortRows();
  const lives = new Decider({ network, names: namesOf("demo"), rows, patch: api.patch });
  await settled(() => lives.nodeLives.decide(api.node("n1")));
  const Pod = emptyStore("Pod");
  const put = (change: Parameters<typeof aPod>[1] = {}): void =>
    Pod.apply([{ type: "put", object: { ...api.pod("web-1"), ...change } }]);
  const tell = { refused: () => undefined, distrusted: () => undefined, decided: () => undefined };
  const { signal } = new AbortController();
  const decision = podDecision(lives.podLives, lives.nodeLives, { Pod }, tell, signal);
  const decide = () => decision.decide(name);
  put();
  await decide();
  Pod.apply([{ type: "remove", namespace: "shop", name: "web-1" }]);
  const { release } = await decide();
  assert.ok(release);
  const chosen = () => lives.pod(api.pod("web-1"));
  assert.ok(chosen());
  return { put, decide, release, chosen };
}

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

test("a pod that has finished, or another one of its name, does not keep what was chosen", async () => {
  for (const change of [{ phase: "Succeeded" as const }, { uid: "another" }]) {
    const { put, release, chosen } = await goneAgain();
    put(change);
    release();
    assert.equal(chosen(), undefined);
  }
});
