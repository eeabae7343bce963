import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Page } from "../../kube/client.ts";
import { KubeError } from "../../kube/error.ts";
import { History } from "../../kube/history.ts";
import { kinds } from "../../kube/kinds.ts";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { ObjectMeta, Pod } from "../../kube/objects.ts";
import { clusterPolicyKinds, policyStores } from "../../kube/policies.ts";
import { aPolicy } from "../../kube/policyFixture.ts";
import { Store } from "../../kube/store.ts";
import { emptyStore } from "../../kube/stores.ts";
import { PolicyKnowledge } from "./policyKnowledge.ts";

const meta = (name: string, resourceVersion: string): ObjectMeta => ({
  namespace: "shop",
  name,
  uid: name,
  resourceVersion,
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
});
const podAt = (resourceVersion: string, more: Partial<Pod> = {}): Pod => ({
  kind: "Pod",
  ...meta("web", resourceVersion),
  nodeName: "n1",
  hostNetwork: false,
  phase: "Pending",
  podIps: [],
  ...more,
});
const policy = (name: string, resourceVersion: string): NetworkPolicy =>
  aPolicy(name, meta(name, resourceVersion));
const put = <T extends ObjectMeta>(store: Store<T>, ...objects: readonly T[]): void =>
  store.apply(objects.map((object) => ({ type: "put", object })));

const unexpected = (error: unknown): void => assert.fail(String(error));

/** A server that has no policies of the whole cluster at version 99. */
function storesOfPolicies() {
  const stores = policyStores(emptyStore);
  for (const kind of clusterPolicyKinds) stores[kind].note({ synced: true, resourceVersion: "99" });
  return stores;
}

/** The watches have come to version 10; the server is at 20, and answers lists with `held` until told otherwise. */
function surroundings(held: readonly NetworkPolicy[]) {
  const stores = storesOfPolicies();
  const policies = stores.NetworkPolicy;
  const pods = new Store<Pod>(kinds.Pod.indexes, unexpected);
  policies.note({ synced: true, resourceVersion: "10" });
  const asked: string[] = [];
  const server = { held, isAway: false };
  const history = new History();
  const client = {
    history,
    list: (path: string): Promise<Page> => {
      asked.push(path);
      if (server.isAway) return Promise.reject(new Error("away"));
      if (path.includes("policy.networking.k8s.io"))
        return Promise.reject(new KubeError("no such kind", { status: 404, reason: "NotFound" }));
      const items = server.held.map(({ namespace, name, resourceVersion }) => ({
        metadata: { namespace, name, resourceVersion },
      }));
      return Promise.resolve({ items, resourceVersion: "20", continue: "" });
    },
  };
  const stop = new AbortController();
  const knowledge = new PolicyKnowledge({
    ...{ client, policies: stores, pods, log: () => undefined },
    server: { accepts: () => true },
  });
  return {
    stores,
    policies,
    pods,
    history,
    asked,
    server,
    knowledge,
    stop,
    start: () => knowledge.start(stop.signal),
  };
}

const settled = async (): Promise<void> => {
  for (let round = 0; round < 10; round++) await turn();
};

test("a pod that is older than what the watch has brought asks nobody", async () => {
  const { pods, asked, knowledge, start, stop } = surroundings([]);
  put(pods, podAt("10"));
  start();
  await settled();
  assert.equal(knowledge.knows(podAt("10")), true);
  assert.deepEqual(asked, []);
  stop.abort();
});

test("a list that is what the watch has brought makes everything up to its version known, and tells listeners", async () => {
  const { policies, pods, asked, knowledge, start, stop } = surroundings([policy("p", "5")]);
  put(policies, policy("p", "5"));
  start();
  await settled();
  let heard = 0;
  knowledge.subscribe(() => heard++);
  put(pods, podAt("15"));
  assert.equal(knowledge.knows(podAt("15")), false);
  await settled();
  assert.deepEqual(asked, ["/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"]);
  assert.equal(knowledge.knows(podAt("15")), true);
  assert.equal(heard, 1);
  assert.equal(knowledge.knows(podAt("21", { uid: "other" })), false);
  stop.abort();
});

test("whoever waits hears when the first list is complete, even if there is no policy", async () => {
  const policies = storesOfPolicies();
  const pods = new Store<Pod>(kinds.Pod.indexes, unexpected);
  const client = { history: new History(), list: () => Promise.reject(new Error("away")) };
  const stop = new AbortController();
  const knowledge = new PolicyKnowledge({
    ...{ client, policies, pods, log: () => undefined },
    server: { accepts: () => true },
  });
  knowledge.start(stop.signal);
  await settled();
  let heard = 0;
  knowledge.subscribe(() => heard++);
  policies.NetworkPolicy.note({ synced: true, resourceVersion: "10" });
  await settled();
  assert.equal(heard, 1);
  stop.abort();
});

test("a policy that the watch has not brought, or still holds, leaves it unknown until the watch has caught up", async () => {
  const { policies, pods, server, knowledge, start, stop } = surroundings([policy("new", "15")]);
  start();
  put(pods, podAt("16"));
  await settled();
  assert.equal(knowledge.knows(podAt("16")), false);
  put(policies, policy("new", "14"));
  put(pods, podAt("17"));
  await settled();
  assert.equal(knowledge.knows(podAt("16")), false, "another version of it");
  server.held = [];
  await settled();
  assert.equal(knowledge.knows(podAt("16")), false, "it was deleted");
  stop.abort();
});

test("what is known of a pod stays known when its status changes, and not when its labels do", async () => {
  const { pods, server, knowledge, start, stop } = surroundings([]);
  start();
  put(pods, podAt("15"));
  await settled();
  server.isAway = true;
  put(pods, podAt("30"));
  await settled();
  assert.equal(knowledge.knows(podAt("30")), true);
  put(pods, podAt("31", { labels: { app: "web" } }));
  await settled();
  assert.equal(knowledge.knows(podAt("31", { labels: { app: "web" } })), false);
  stop.abort();
});

test("nothing that a restored API server said before proves anything about pods of its new history", async () => {
  const { policies, pods, history, server, knowledge, start, stop } = surroundings([]);
  start();
  put(pods, podAt("15"));
  await settled();
  assert.equal(knowledge.knows(podAt("15")), true);
  policies.note({ resourceVersion: "" });
  server.isAway = true;
  history.restart(() => undefined);
  const later = podAt("12", { uid: "later" });
  assert.equal(knowledge.knows(later), false);
  policies.note({ resourceVersion: "13" });
  assert.equal(knowledge.knows(later), true);
  assert.equal(knowledge.knows(podAt("11")), true, "a pod that has gone back too");
  stop.abort();
});

test("where the API server does not serve a kind, its answer after a pod was seen proves that there is none", async () => {
  const { stores, pods, asked, knowledge, start, stop } = surroundings([]);
  stores.ClusterNetworkPolicy.note({ resourceVersion: "" });
  start();
  put(pods, podAt("15"));
  assert.equal(knowledge.knows(podAt("15")), false);
  await settled();
  assert.ok(asked.includes("/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies"));
  assert.equal(knowledge.knows(podAt("15")), true);
  assert.equal(knowledge.knows(podAt("16", { uid: "later" })), false);
  stop.abort();
});
