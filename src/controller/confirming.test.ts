import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { aPod } from "../decide/decidedFixture.ts";
import { emptyStore } from "../kube/stores.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { Unconfirmed } from "../select/unconfirmed.ts";
import { Confirming } from "./confirming.ts";

const one = "networkpolicy/shop/one";
const other = "networkpolicy/shop/other";

function world() {
  const stores = {
    Namespace: emptyStore("Namespace"),
    Node: emptyStore("Node"),
    Pod: emptyStore("Pod"),
  };
  const pod = aPod("web");
  stores.Pod.apply([{ type: "put", object: pod }]);
  const unconfirmed = new Unconfirmed();
  const queued: Owner[] = [];
  const confirmed: string[] = [];
  let planned = Promise.withResolvers<void>();
  const confirming = new Confirming(
    {
      stores,
      enqueue: (owner) => void queued.push(owner),
      planned: () => planned.promise,
      withRows: () => ["peer/x", "node/n1"],
    },
    unconfirmed,
    (what) => void confirmed.push(what),
  );
  return {
    ...{ stores, pod, unconfirmed, confirming },
    taken: () => [queued.splice(0), confirmed.splice(0)],
    /** All that is queued is planned. */
    plan: async () => {
      planned.resolve();
      await turn();
      planned = Promise.withResolvers();
    },
  };
}

test("the last thing is confirmed when all pods have been planned with it, and then pods and groups are planned once more", async () => {
  const { unconfirmed, confirming, pod, taken, plan } = world();
  const web = ownerOf("pod", pod.name, pod.namespace);
  for (const what of [one, other]) unconfirmed.add(what);
  confirming.confirm(one);
  assert.deepEqual(taken(), [[], [one]]);
  // It is planned again meanwhile.
  for (let times = 0; times < 2; times++) confirming.confirm(other);
  assert.deepEqual(taken(), [[web], []]);
  assert.deepEqual([unconfirmed.isEmpty, unconfirmed.mayMissPolicyIn("shop")], [false, false]);
  await plan();
  assert.equal(unconfirmed.isEmpty, true);
  assert.deepEqual(taken(), [[web, "peer/x"], [other]]);
});

test("if something else becomes unconfirmed meanwhile, it stays uncertain, and the first is confirmed all the same", async () => {
  const { unconfirmed, confirming, taken, plan } = world();
  unconfirmed.add(one);
  confirming.confirm(one);
  unconfirmed.add(other);
  taken();
  await plan();
  assert.deepEqual([unconfirmed.has(one), unconfirmed.has(other)], [false, true]);
  assert.deepEqual(taken(), [[], [one]]);
});

test("the namespace of a pod is unconfirmed until it is listed, or no pod is left there", async () => {
  const { stores, pod, unconfirmed, confirming, plan } = world();
  const namespace = ownerOf("namespace", pod.namespace);
  confirming.needNamespace(pod.namespace);
  confirming.lookForNamespaces();
  assert.equal(unconfirmed.has(namespace), true);
  stores.Pod.apply([{ type: "remove", namespace: pod.namespace, name: pod.name }]);
  confirming.lookForNamespaces();
  await plan();
  assert.equal(unconfirmed.isEmpty, true);
});
