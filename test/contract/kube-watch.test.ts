// Watches against servers that refuse, forget, cut, stall and lie.

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { systemClock } from "../../src/kube/clock.ts";
import type { Pod } from "../../src/kube/objects.ts";
import type { Change, Store } from "../../src/kube/store.ts";
import { type WatchOptions, watchKind } from "../../src/kube/watch.ts";
import {
  type Answer,
  json,
  logBook,
  type SkippingClock,
  scripted,
  skippingClock,
  status,
  stream,
  until,
} from "./kubeScript.ts";

const pod = (name: string, version: number, nodeName = "n1"): object => ({
  metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: `${version}` },
  spec: { nodeName },
});
const added = (name: string, version: number, nodeName?: string): object => ({
  type: "ADDED",
  object: pod(name, version, nodeName),
});
const modified = (name: string, version: number, nodeName: string): object => ({
  type: "MODIFIED",
  object: pod(name, version, nodeName),
});
const deleted = (name: string, version: number): object => ({ type: "DELETED", object: pod(name, version) });
const bookmark = (version: number): object => ({
  type: "BOOKMARK",
  object: { metadata: { resourceVersion: `${version}` } },
});
const listEnd = (version: number): object => ({
  type: "BOOKMARK",
  object: {
    metadata: { resourceVersion: `${version}`, annotations: { "k8s.io/initial-events-end": "true" } },
  },
});
const gone = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } };
const page = (items: readonly object[], version: number, next = ""): Answer =>
  json({ metadata: { resourceVersion: `${version}`, continue: next }, items });

interface Story {
  readonly store: Store<Pod>;
  readonly clock: SkippingClock;
  /** `+name`, `-name`, `~name` for each change that subscribers were told of. */
  readonly told: readonly string[];
  readonly requests: () => readonly string[];
  readonly log: readonly string[];
  /** The `n`-th request, counted from 0, as it arrived. */
  readonly query: (n: number) => URLSearchParams;
}

/** Watches pods on a server that gives `answers`, while `check` looks on. */
async function story(
  answers: readonly Answer[],
  check: (story: Story) => Promise<void>,
  options: Partial<WatchOptions<Pod>> = {},
): Promise<void> {
  await using server = await scripted(answers);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const ending = new AbortController();
  const clock = skippingClock();
  const { log, lines } = logBook();
  const store = watchKind(client, "Pod", {
    signal: ending.signal,
    clock,
    log,
    random: () => 0.5,
    ...options,
  });
  const told: string[] = [];
  store.subscribe((changes) => void told.push(...changes.map(describe)));
  const query = (n: number): URLSearchParams => server.seen[n]?.query ?? new URLSearchParams();
  const requests = (): readonly string[] => server.seen.map((seen) => requestText(seen.query));
  try {
    await check({ store, clock, told, requests, log: lines, query });
  } finally {
    ending.abort(new Error("the story is over"));
    await until(() => server.counts.answering === 0, "the watch has let go");
  }
}

function requestText(query: URLSearchParams): string {
  if (!query.has("watch")) return `page ${query.get("continue") ?? ""}`.trim();
  return query.has("sendInitialEvents") ? "streamed list" : `watch ${query.get("resourceVersion")}`;
}

function describe(change: Change<Pod>): string {
  if (!change.old) return `+${change.new?.name}`;
  return change.new ? `~${change.new.name}` : `-${change.old.name}`;
}

const names = (store: Store<Pod>): readonly string[] => [...store.values()].map((pod) => pod.name).sort();

test("a streamed list ends at its bookmark, and the same connection goes on as a watch", async () => {
  const answer: Answer = (response, seen) => {
    stream([added("a", 1), added("b", 2), listEnd(7)])(response, seen);
    setTimeout(() => {
      response.write(
        [modified("a", 8, "n2"), deleted("b", 9), added("c", 10)]
          .map((event) => `${JSON.stringify(event)}\n`)
          .join(""),
      );
    }, 30);
  };
  await story([answer], async ({ store, told, query, requests }) => {
    await store.ready();
    assert.equal(store.freshness.resourceVersion, "7");
    assert.equal(store.lagging, false);
    await until(() => told.includes("+c"), "the watch brought c");
    assert.deepEqual(told, ["+a", "+b", "~a", "-b", "+c"]);
    assert.deepEqual(names(store), ["a", "c"]);
    assert.equal(store.get("shop", "a")?.nodeName, "n2");
    assert.deepEqual(requests(), ["streamed list"]);
    assert.equal(query(0).get("resourceVersionMatch"), "NotOlderThan");
    assert.equal(query(0).get("allowWatchBookmarks"), "true");
    assert.equal(query(0).get("resourceVersion"), null);
    assert.ok(Number(query(0).get("timeoutSeconds")) >= 300);
  });
});

test("a connection cut in the middle of a line is resumed after the last whole event", async () => {
  const answers = [stream([listEnd(5), added("a", 6)], "cut mid-line"), stream([added("b", 7)])];
  await story(answers, async ({ store, told, requests }) => {
    await until(() => store.size === 2, "both pods are there");
    assert.deepEqual(requests(), ["streamed list", "watch 6"]);
    assert.deepEqual(told, ["+a", "+b"]);
  });
});

test("a list that is cut off starts again, and what vanished meanwhile is not kept", async () => {
  const answers = [
    stream([added("a", 1), added("b", 2)], "cut mid-line"),
    stream([added("b", 2), listEnd(9)]),
  ];
  await story(answers, async ({ store, told, requests }) => {
    await store.ready();
    assert.deepEqual(requests(), ["streamed list", "streamed list"]);
    assert.deepEqual(names(store), ["b"]);
    assert.deepEqual(told, ["+a", "+b", "-a"]);
  });
});

test("a bookmark moves the place to resume from", async () => {
  const answers = [stream([listEnd(5)], "end"), stream([added("a", 6), bookmark(40)], "end"), stream([])];
  await story(answers, async ({ requests, store }) => {
    await until(() => requests().length === 3, "the watch has been resumed twice");
    assert.deepEqual(requests(), ["streamed list", "watch 5", "watch 40"]);
    await until(() => !store.lagging, "the last watch is open");
  });
});

test("a right that is taken away is told with its reason, as long as it lasts", async () => {
  let isAllowed = false;
  const later: Answer = (response, seen) =>
    (isAllowed ? stream([added("b", 6)]) : status(403, "Forbidden"))(response, seen);
  await story([stream([added("a", 1), listEnd(5)], "end"), later], async ({ store }) => {
    await until(() => store.freshness.failure.includes("403 Forbidden"), "the refusal is told");
    assert.deepEqual([store.freshness.refused, store.lagging, names(store)], [true, true, ["a"]]);
    isAllowed = true;
    await until(() => store.size === 2, "the watch is allowed again");
    assert.deepEqual([store.freshness.failure, store.freshness.refused, store.lagging], ["", false, false]);
  });
});

test("a server that refuses streamed lists is listed in pages, and watched from the version of the list", async () => {
  const answers = [
    status(422, "Invalid"),
    page([pod("a", 1), pod("b", 2)], 50, "more"),
    page([pod("c", 3)], 50),
    stream([added("d", 51)]),
  ];
  await story(
    answers,
    async ({ store, requests, query }) => {
      await until(() => store.size === 4, "all pods are there");
      assert.deepEqual(requests(), ["streamed list", "page", "page more", "watch 50"]);
      assert.equal(query(1).get("limit"), "2");
    },
    { pageSize: 2 },
  );
});

test("a server that does not know sendInitialEvents is recognised at its first bookmark", async () => {
  const answers = [stream([added("a", 1), bookmark(9)]), page([pod("a", 1)], 10), stream([])];
  await story(answers, async ({ store, told, requests }) => {
    await store.ready();
    await until(() => requests().length === 3, "the watch is open");
    assert.deepEqual(requests(), ["streamed list", "page", "watch 10"]);
    assert.deepEqual(told, ["+a"]);
  });
});

test("an expired continue token restarts the list, without the objects that are gone by then", async () => {
  const answers = [
    status(422, "Invalid"),
    page([pod("a", 1), pod("b", 2)], 50, "old"),
    status(410, "Expired"),
    page([pod("b", 2)], 80),
    stream([]),
  ];
  await story(answers, async ({ store, told, requests }) => {
    await store.ready();
    assert.deepEqual(requests().slice(0, 4), ["streamed list", "page", "page old", "page"]);
    assert.deepEqual(told, ["+a", "+b", "-a"]);
  });
});

for (const [how, answer] of [
  ["as a status", status(410, "Expired")],
  ["as an event", stream([gone], "end")],
] as const) {
  test(`a version the server has forgotten (${how}) leads to a list that delivers differences only`, async () => {
    const answers = [
      stream([added("same", 1), added("changed", 2), added("gone", 3), listEnd(5)], "end"),
      answer,
      stream([added("same", 1), added("changed", 9, "n2"), added("new", 8), listEnd(20)]),
    ];
    await story(answers, async ({ store, told, requests, log }) => {
      await until(() => store.freshness.resourceVersion === "20", "the second list is complete");
      assert.deepEqual(requests(), ["streamed list", "watch 5", "streamed list"]);
      assert.deepEqual(told, ["+same", "+changed", "+gone", "~changed", "+new", "-gone"]);
      assert.equal(log.filter((line) => line.startsWith("warn")).length, 1);
    });
  });
}

const tooLarge = json(
  {
    kind: "Status",
    code: 504,
    reason: "Timeout",
    message: "Too large resource version: 100, current: 5",
    details: { causes: [{ reason: "ResourceVersionTooLarge" }], retryAfterSeconds: 1 },
  },
  504,
);
const unheardOf = status(500, "InternalError");
for (const [how, answers] of [
  ["refuses its future", [tooLarge]],
  ["refuses its future in words of its own", [unheardOf, unheardOf, unheardOf, unheardOf, unheardOf]],
  ["tells of its past", [stream([deleted("old", 4)])]],
] as const)
  test(`a server that was restored from an older state, and ${how}, is listed again`, async () => {
    const before = stream([added("old", 99), listEnd(100)], "end");
    const after = stream([added("new", 4), listEnd(5)]);
    await story([before, ...answers, after], async ({ store, told, log }) => {
      await until(() => store.freshness.resourceVersion === "5", "the second list is complete");
      assert.deepEqual(told, ["+old", "+new", "-old"]);
      assert.match(log.join("\n"), /the API server has gone back to an earlier state.*before="100"/);
    });
  });

for (const [how, silence] of [
  ["is silent", stream([])],
  [
    "ends silent watches",
    (response, seen) => {
      stream([])(response, seen);
      setTimeout(() => response.end(), 60);
    },
  ],
] as const satisfies readonly (readonly [string, Answer])[])
  test(`a server that was restored from an older state, and ${how}, is listed again`, async () => {
    let lists = 0;
    const answer: Answer = (response, seen) => {
      if (!seen.query.has("sendInitialEvents")) return silence(response, seen);
      if (lists++ === 0) return stream([added("old", 99), listEnd(100)], "end")(response, seen);
      stream([added("new", 4), listEnd(5)])(response, seen);
    };
    const options = { idleMs: 150, clock: systemClock };
    await story(
      [answer],
      async ({ store }) => {
        await until(() => store.freshness.resourceVersion === "5", "the second list is complete");
        assert.deepEqual(names(store), ["new"]);
      },
      options,
    );
  });

test("a server that comes back in an older state is compared with what is known before a watch goes on", async (t) => {
  const ending = new AbortController();
  t.after(() => ending.abort());
  const before: readonly Answer[] = [page([pod("old", 99)], 100), stream([])];
  const after: readonly Answer[] = [page([pod("old", 3)], 5), stream([added("new", 6)])];
  let [list, watch] = before;
  const answer: Answer = (response, seen) => {
    if (seen.path.endsWith("kube-system")) return json({ metadata: { uid: "this" } })(response, seen);
    if (seen.query.has("sendInitialEvents")) return status(422, "Invalid")(response, seen);
    if (!seen.query.has("watch")) return list?.(response, seen);
    watch?.(response, seen);
    if (list !== before[0]) return;
    [list, watch] = after;
    response.destroy();
  };
  await using server = await scripted([answer]);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const pods = watchKind(client, "Pod", { signal: ending.signal, server: new ApiServer(client) });
  await until(() => pods.size === 2, "the watch goes on from what the server has");
  const watches = server.seen
    .map(({ query }) => requestText(query))
    .filter((text) => text.startsWith("watch"));
  assert.deepEqual(watches, ["watch 100", "watch 5"]);
  ending.abort();
  await until(() => server.counts.answering === 0, "the watch has let go");
});

test("when one watch finds that its server was restored, all its watches list again", async () => {
  let isRestored = false;
  const answers = new Set<ServerResponse>();
  const answer: Answer = (response, seen) => {
    answers.add(response);
    // It counts on from another state, and has overtaken the version of the Nodes already.
    if (!seen.query.has("sendInitialEvents")) return stream([])(response, seen);
    const [name, version] = isRestored ? ["new", 50] : ["old", seen.path.endsWith("pods") ? 100 : 40];
    stream([added(name, version), listEnd(version)])(response, seen);
  };
  await using server = await scripted([answer]);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const ending = new AbortController();
  const options = { signal: ending.signal, idleMs: 200 };
  const [pods, nodes] = [watchKind(client, "Pod", options), watchKind(client, "Node", options)];
  await Promise.all([pods.ready(), nodes.ready()]);
  isRestored = true;
  for (const response of answers) response.destroy();
  await until(() => pods.freshness.resourceVersion === "50", "pods are listed again");
  await until(() => nodes.freshness.resourceVersion === "50", "Nodes are listed again");
  assert.equal(nodes.get("shop", "old"), undefined);
  ending.abort(new Error("the story is over"));
  await until(() => server.counts.answering === 0, "the watches have let go");
});

test("a server that says when to retry is left alone until then", async () => {
  const answers = [status(429, "TooManyRequests", { "retry-after": "7" }), stream([listEnd(1)])];
  await story(answers, async ({ store, clock }) => {
    await store.ready();
    assert.deepEqual(clock.waits, [7000 + 250 * 0.75]);
  });
});

test("repeated failures lengthen the wait", async () => {
  const refused = status(503, "ServiceUnavailable");
  await story([refused, refused, refused, stream([listEnd(1)])], async ({ store, clock }) => {
    await store.ready();
    assert.deepEqual(
      clock.waits,
      [250, 500, 1000].map((ms) => ms * 0.75),
    );
  });
});

test("a half-open connection is given up, and the store says that it lags", async () => {
  let lagged = false;
  const holder: { store?: Store<Pod> } = {};
  const resumed: Answer = (response, seen) => {
    lagged = holder.store?.lagging === true;
    stream([added("a", 6)])(response, seen);
  };
  const answers = [stream([listEnd(5)]), resumed];
  await story(
    answers,
    async ({ store, requests, log }) => {
      holder.store = store;
      await until(() => store.size === 1, "the watch is resumed");
      assert.deepEqual(requests().slice(0, 2), ["streamed list", "watch 5"]);
      assert.equal(lagged, true);
      assert.match(log.join("\n"), /not a byte in 150 ms/);
    },
    { idleMs: 150 },
  );
});

test("an object that makes no sense is reported and left out, and its neighbours are not", async () => {
  const nonsense = { type: "ADDED", object: { metadata: { name: "x", resourceVersion: "2" }, spec: 7 } };
  await story([stream([added("a", 1), nonsense, added("b", 3), listEnd(5)])], async ({ store, log }) => {
    await store.ready();
    assert.deepEqual(names(store), ["a", "b"]);
    assert.equal(store.freshness.malformed, 1);
    assert.match(log.join("\n"), /malformed object of pods is left out.*"x"/);
  });
});

test("a known object whose new state makes no sense keeps its old one, through a list too", async () => {
  const nonsense = { metadata: { namespace: "shop", name: "a", resourceVersion: "9" } };
  const answers = [
    stream([added("a", 1), listEnd(5), { type: "MODIFIED", object: nonsense }, gone], "end"),
    stream([{ type: "ADDED", object: nonsense }, listEnd(10)]),
  ];
  await story(answers, async ({ store, told }) => {
    await until(() => store.freshness.resourceVersion === "10", "the second list is complete");
    assert.deepEqual(told, ["+a"]);
    assert.equal(store.freshness.malformed, 2);
  });
});

test("garbage in the stream ends the connection, not the watch", async () => {
  const garbage: Answer = (response) => void response.end('{"type":"ADDED"}\nwhat is this\n');
  await story([garbage, stream([added("a", 1), listEnd(2)])], async ({ store }) => {
    await store.ready();
    assert.deepEqual(names(store), ["a"]);
  });
});

test("a listener that throws is reported, and others still hear", async () => {
  let heard = 0;
  await story([stream([listEnd(1)], "end"), stream([added("a", 2)])], async ({ store, log }) => {
    store.subscribe(() => {
      throw new Error("a listener's own fault");
    });
    store.subscribe(() => void heard++);
    await until(() => heard === 1, "the second listener was called");
    assert.match(log.join("\n"), /error a listener of pods threw error=a listener's own fault/);
  });
});

test("selectors and the namespace are sent with lists and watches alike", async () => {
  await using server = await scripted([status(422, "Invalid"), page([], 5), stream([])]);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const ending = new AbortController();
  watchKind(client, "Pod", {
    signal: ending.signal,
    clock: skippingClock(),
    namespace: "shop",
    fieldSelector: "spec.nodeName=n1",
    labels: { app: "web", tier: "back" },
  });
  await until(() => server.seen.length === 3, "the watch is open");
  ending.abort();
  for (const seen of server.seen) {
    assert.equal(seen.path, "/api/v1/namespaces/shop/pods");
    assert.equal(seen.query.get("fieldSelector"), "spec.nodeName=n1");
    assert.equal(seen.query.get("labelSelector"), "app=web,tier=back");
  }
});

test("waiting for a store to be ready ends with the waiter's signal", async () => {
  await story([stream([added("a", 1)])], async ({ store }) => {
    const waiting = new AbortController();
    const ready = store.ready(waiting.signal);
    waiting.abort(new Error("no patience"));
    await assert.rejects(ready, /no patience/);
    await assert.rejects(store.ready(waiting.signal), /no patience/);
    assert.equal(store.synced, false);
  });
});

test("a kind that the server may lack counts as empty, and is found once it is served", async () => {
  const range = {
    metadata: { name: "more", uid: "uid", resourceVersion: "3" },
    spec: { cidrs: ["10.97.0.0/16"] },
  };
  const answers = [
    status(404, "NotFound"),
    status(404, "NotFound"),
    stream([{ type: "ADDED", object: range }, listEnd(3)]),
  ];
  await using server = await scripted(answers);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const ending = new AbortController();
  const store = watchKind(client, "ServiceCIDR", { signal: ending.signal, clock: skippingClock() });
  await store.ready();
  assert.equal(store.size, 0);
  await until(() => store.size === 1, "the range is there");
  ending.abort(new Error("the story is over"));
  await until(() => server.counts.answering === 0, "the watch has let go");
});

test("a kind that the server lacks is no trouble when a lost connection is over", async () => {
  const lacking = status(404, "NotFound");
  const cut: Answer = (response) => void response.destroy();
  let answer = lacking;
  await using server = await scripted([(response, seen) => answer(response, seen)]);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const ending = new AbortController();
  const store = watchKind(client, "ServiceCIDR", { signal: ending.signal, clock: skippingClock() });
  await store.ready();
  answer = cut;
  await until(() => store.freshness.failure !== "", "the loss is noted");
  answer = lacking;
  await until(() => store.freshness.failure === "", "the server has said 404 again");
  const { refused, lagging } = store.freshness;
  assert.deepEqual({ refused, lagging }, { refused: false, lagging: false });
  ending.abort(new Error("the story is over"));
  await until(() => server.counts.answering === 0, "the watch has let go");
});

test("a kind that the server stops serving keeps its objects", async () => {
  const range = {
    metadata: { name: "more", uid: "uid", resourceVersion: "3" },
    spec: { cidrs: ["10.97.0.0/16"] },
  };
  await using server = await scripted([
    stream([{ type: "ADDED", object: range }, listEnd(3), gone]),
    status(404, "NotFound"),
  ]);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const ending = new AbortController();
  const store = watchKind(client, "ServiceCIDR", { signal: ending.signal, clock: skippingClock() });
  await until(() => server.seen.length >= 4, "the server has said 404 twice");
  assert.equal(store.size, 1);
  ending.abort(new Error("the story is over"));
  await until(() => server.counts.answering === 0, "the watch has let go");
});
