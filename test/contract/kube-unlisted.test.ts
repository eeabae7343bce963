// A list that left out what is there, and a watch that goes on from it and has nothing to tell.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { service } from "./clusterObjects.ts";
import { logBook, manualClock, until } from "./kubeScript.ts";
import { LyingApi } from "./lyingApi.ts";

/** Before what a list left out is asked for by name. */
const askedAfterMs = 5_000;

test("what the server has by name though its list left it out is listed again, and is no longer in doubt", async () => {
  await using api = await LyingApi.start([service(1), service(2)]);
  using client = new KubeClient({ server: api.url, namespace: "default" });
  const ending = new AbortController();
  const { log } = logBook();
  const clock = manualClock();
  const store = watchKind(client, "Service", {
    ...{ server: new ApiServer(client), signal: ending.signal, log, clock },
  });
  try {
    await store.ready();
    assert.equal(store.size, 2);
    api.lie({ services: "nothing" });
    await until(() => {
      clock.advance(100);
      return store.freshness.unlisted === 2;
    }, "the list has left both out");
    const { lists } = store.freshness;
    api.lieNoMore();
    clock.advance(askedAfterMs);
    await until(() => {
      clock.advance(100);
      return store.freshness.lists > lists && store.freshness.unlisted === 0;
    }, "another list has brought them");
    assert.equal(store.size, 2);
    assert.equal(store.lagging, false);
  } finally {
    ending.abort(new Error("the test is over"));
  }
});
