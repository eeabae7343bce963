// Lists that are wrong: they leave out what is there, or show an older state than is known.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import type { Kind, KindMap } from "../../src/kube/kinds.ts";
import type { Store } from "../../src/kube/store.ts";
import { type WatchOptions, watchKind } from "../../src/kube/watch.ts";
import { type ApiObject, pod, service, slice } from "./clusterObjects.ts";
import { logBook, manualClock, until } from "./kubeScript.ts";
import { LyingApi } from "./lyingApi.ts";

interface Watching<K extends Kind> extends AsyncDisposable {
  readonly api: LyingApi;
  readonly store: Store<KindMap[K]>;
  /** Resolves when it is so; time passes meanwhile. */
  readonly becomes: (what: string, isTrue: () => boolean) => Promise<void>;
}

async function watching<K extends Kind>(
  kind: K,
  before: readonly ApiObject[],
  objects: readonly ApiObject[],
  selectors: Pick<WatchOptions<KindMap[K]>, "fieldSelector"> = {},
): Promise<Watching<K>> {
  const stack = new AsyncDisposableStack();
  const api = stack.use(await LyingApi.start(before));
  api.remember();
  for (const one of objects) api.put(one);
  const client = stack.use(new KubeClient({ server: api.url, namespace: "default" }));
  const ending = new AbortController();
  stack.defer(() => ending.abort(new Error("the test is over")));
  const clock = manualClock();
  const { log } = logBook();
  const store = watchKind(client, kind, {
    ...{ ...selectors, server: new ApiServer(client), signal: ending.signal, log, clock },
  });
  await store.ready();
  return {
    api,
    store,
    becomes: (what, isTrue) =>
      until(() => {
        clock.advance(100);
        return isTrue();
      }, what),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("what the server has by name though its list left it out is listed again, and is no longer in doubt", async () => {
  await using world = await watching("Service", [], [service(1), service(2)]);
  const { api, store, becomes } = world;
  assert.equal(store.size, 2);
  api.lie({ services: "nothing" });
  await becomes("the list has left both out", () => store.freshness.unlisted === 2);
  const { lists } = store.freshness;
  api.lieNoMore();
  await becomes(
    "another list has brought them",
    () => store.freshness.lists > lists && store.freshness.unlisted === 0,
  );
  assert.deepEqual([store.size, store.lagging], [2, false]);
});

test("nothing counts of a list that is older than what is known, if the server is not", async () => {
  await using world = await watching(
    "EndpointSlice",
    [slice(5, ["10.242.0.9"]), slice(6, [])],
    [slice(5, ["10.242.0.5"])],
  );
  const { api, store, becomes } = world;
  api.delete("endpointslices", "shop/s6-x");
  await becomes("the deletion is known", () => store.size === 1);
  const seen: string[] = [];
  store.subscribe((changes) =>
    seen.push(...changes.map(({ old, new: now }) => `${old?.resourceVersion} ${now?.resourceVersion}`)),
  );
  api.lie({ endpointslices: "stale" });
  await becomes("the list is seen to be older", () => store.freshness.failure.includes("more is known"));
  api.tellTheTruth();
  await becomes("a list is right again", () => !store.lagging);
  assert.deepEqual(seen, []);
  assert.deepEqual(
    [...store.values()].map(({ name, endpoints }) => [name, endpoints[0]?.addresses]),
    [["s5-x", ["10.242.0.5"]]],
  );
});

test("a pod that has moved to another node while nobody watched leaves the old one's store", async () => {
  await using world = await watching("Pod", [], [pod("a", 2, 5), pod("b", 2, 6)], {
    fieldSelector: "spec.nodeName=n2",
  });
  const { api, store, becomes } = world;
  // The server's lists do not select, so that it leaves out both.
  api.lie({ pods: "nothing" });
  api.put(pod("a", 3, 5));
  await becomes("the one that is elsewhere has gone", () => store.size === 1);
  assert.deepEqual(
    [...store.values()].map(({ name }) => name),
    ["b"],
  );
});
