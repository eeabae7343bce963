import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Page } from "../kube/client.ts";
import { silent, systemClock } from "../kube/clock.ts";
import { clusterNetworkPolicyOf } from "../kube/clusterNetworkPolicy.ts";
import { KubeError } from "../kube/error.ts";
import { Interner } from "../kube/intern.ts";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import { policyStores } from "../kube/policies.ts";
import { aPolicy } from "../kube/policyFixture.ts";
import { emptyStore } from "../kube/stores.ts";
import { aPod } from "./decidedFixture.ts";
import { PolicyProof } from "./policyProof.ts";

const policy = (name: string): NetworkPolicy => aPolicy(name, { resourceVersion: "12" });

/** The watch of policies has come to version 10, and the server, which has `listed`, to 20. */
function world(listed: readonly NetworkPolicy[]) {
  const stores = { ...policyStores(emptyStore), Namespace: emptyStore("Namespace") };
  const { NetworkPolicy: policies, ClusterNetworkPolicy: ofCluster, Namespace: namespaces } = stores;
  for (const store of [policies, namespaces]) store.note({ synced: true, resourceVersion: "10" });
  const asked: string[] = [];
  const waits: number[] = [];
  const server = { isAway: false, namespace: "", questionsAboutOthers: 0, now: 0 };
  const ending = new AbortController();
  const proof = new PolicyProof({
    server: { accepts: () => true },
    client: {
      list: (path: string): Promise<Page> => {
        if (path.includes("networkpolicies") && !path.includes("policy.")) asked.push(path);
        if (server.isAway) return Promise.reject(new Error("away"));
        if (path.includes("policy.networking.k8s.io") || path.includes("weft.io")) {
          server.questionsAboutOthers++;
          return Promise.reject(new KubeError("no such kind", { status: 404, reason: "NotFound" }));
        }
        if (path === "/api/v1/namespaces") {
          const items = [{ metadata: { name: "shop", resourceVersion: server.namespace } }];
          return Promise.resolve({ items, resourceVersion: "20", continue: "" });
        }
        const items = listed.map(({ namespace, name, resourceVersion }) => ({
          metadata: { namespace, name, resourceVersion },
        }));
        return Promise.resolve({ items, resourceVersion: "20", continue: "" });
      },
    },
    stores,
    // It waits for a turn of the event loop, however long it is asked to wait.
    clock: {
      ...systemClock,
      now: () => server.now,
      after(ms, action) {
        waits.push(ms);
        return systemClock.after(0, action);
      },
    },
    log: silent,
    signal: ending.signal,
  });
  const state = { isKnown: false };
  const ask = (version: string): Promise<void> =>
    proof.known(aPod("web", { resourceVersion: version })).then(() => void (state.isKnown = true));
  return { policies, ofCluster, namespaces, asked, waits, server, ending, state, ask };
}

test("what the watch has brought is known without a question", async () => {
  const { ask, asked } = world([policy("a")]);
  await ask("9");
  assert.deepEqual(asked, []);
});

test("a pod waits until the watch has brought every policy of its namespace that a list shows", async () => {
  const { policies, ask, asked, state } = world([policy("a"), policy("b")]);
  policies.apply([{ type: "put", object: policy("a") }]);
  const known = ask("15");
  while (asked.length < 3) await turn();
  assert.ok(!state.isKnown);
  policies.apply([{ type: "put", object: policy("b") }]);
  await known;
  assert.ok(asked.every((path) => path.includes("/namespaces/shop/")));
});

test("an unanswered list is repeated, until the term is over", async () => {
  const { ask, asked, server, state, ending } = world([]);
  server.isAway = true;
  const known = ask("15");
  while (asked.length < 2) await turn();
  assert.ok(!state.isKnown);
  ending.abort(new Error("the term is over"));
  await assert.rejects(known, /the term is over/);
});

test("a list that was asked for before a pod was seen proves nothing about one that is younger than the list", async () => {
  const { ask, asked, waits } = world([]);
  await Promise.all([ask("15"), ask("20"), ask("21")]);
  assert.equal(asked.length, 2);
  assert.deepEqual(waits, [], "the next list is asked for at once");
});

test("where a policy of the whole cluster is known, the labels of the pod's namespace have to be known too", async () => {
  const { ofCluster, namespaces, server, state, ask } = world([]);
  server.namespace = "18";
  ofCluster.note({ resourceVersion: "30" });
  ofCluster.apply([{ type: "put", object: aClusterPolicy }]);
  const known = ask("15");
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.ok(!state.isKnown);
  const shop = { ...aPod("shop", { resourceVersion: "18" }), kind: "Namespace", namespace: "" } as const;
  namespaces.apply([{ type: "put", object: shop }]);
  await known;
});

const aClusterPolicy =
  clusterNetworkPolicyOf(
    { metadata: { name: "all", uid: "all", resourceVersion: "12" }, spec: {} },
    new Interner(),
  ) ?? assert.fail("it has an identity");

test("kinds that the server does not serve are asked for once in half a minute, not for every pod", async () => {
  const { ask, server } = world([]);
  for (const version of ["15", "25", "35"]) await ask(version);
  assert.equal(server.questionsAboutOthers, 4, "one for each kind");
  server.now = 30_000;
  await ask("45");
  assert.equal(server.questionsAboutOthers, 8);
});
