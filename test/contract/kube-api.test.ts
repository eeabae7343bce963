// The Kubernetes layer against an API server: the sandbox's, or any other whose kubeconfig WEFT_API_KUBECONFIG names. A
// relay is in between, so that the connection can be cut while the server keeps running.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, type TestContext, test } from "node:test";
import { KubeClient } from "../../src/kube/client.ts";
import { isConflict } from "../../src/kube/error.ts";
import { list, record } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { Lease } from "../../src/kube/lease.ts";
import { EventRecorder } from "../../src/kube/recorder.ts";
import { events, pathOf } from "../../src/kube/resource.ts";
import { watchKind } from "../../src/kube/watch.ts";
import { annotate, setCondition } from "../../src/kube/write.ts";
import { annotations } from "../../src/model/names.ts";
import { pod } from "./apiObjects.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";
import { logBook, until } from "./kubeScript.ts";

let api: ApiUnderTest;
let client: KubeClient;
before(async () => {
  api = await ApiUnderTest.start();
  client = new KubeClient(api.config);
});
after(async () => {
  client[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

/** Aborts when the test ends, in whatever way. */
function lifetime(context: TestContext): AbortSignal {
  const ending = new AbortController();
  context.after(() => ending.abort());
  return ending.signal;
}

/** Relays TCP to the API server. `cut` ends all connections, and none are accepted while `away`. */
class Relay implements AsyncDisposable {
  readonly #sockets = new Set<net.Socket>();
  readonly #server: net.Server;
  away = false;

  constructor(target: URL) {
    this.#server = net.createServer((socket) => {
      if (this.away) return void socket.destroy();
      const onward = net.connect(Number(target.port || 443), target.hostname);
      for (const [from, to] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => this.#sockets.delete(from) && to.destroy());
        from.pipe(to);
      }
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === "object");
    return address.port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }
}

test("a pod is seen from its making to its end, and written for its own uid only", async (context) => {
  const store = watchKind(client, "Pod", { signal: lifetime(context), namespace: api.namespace });
  await store.ready();
  await api.expect(201, "POST", api.path("pods"), pod("seen", { labels: { app: "web" } }));
  await until(() => store.size === 1, "the pod is in the store");
  const [seen] = store.values();
  assert.ok(seen);
  assert.deepEqual(seen.labels, { app: "web" });
  await annotate(client, seen, { [annotations.podNetworks]: "{}" });
  await until(() => seen !== store.get(api.namespace, "seen"), "the annotation came back");
  assert.deepEqual(store.get(api.namespace, "seen")?.annotations, { [annotations.podNetworks]: "{}" });
  await assert.rejects(
    annotate(client, { ...seen, uid: "another" }, { x: "y" }),
    (error) => isConflict(error) && error.retryable,
  );
  await client.delete(pathOf(kinds.Pod, api.namespace, "seen"), { uid: seen.uid, gracePeriodSeconds: 0 });
  await until(() => store.size === 0, "the pod is gone from the store");
});

test("a condition is set beside those of others", async () => {
  const made = await api.expect(201, "POST", api.path("pods"), pod("conditions"));
  const uid = String(record(made.metadata).uid);
  const ref = { kind: "Pod", namespace: api.namespace, name: "conditions", uid } as const;
  for (const type of ["weft.io/One", "weft.io/Two"]) {
    await setCondition(client, ref, { type, status: "True", reason: "Test", message: "" }, new Date());
  }
  await setCondition(
    client,
    ref,
    { type: "weft.io/One", status: "False", reason: "Test", message: "" },
    new Date(),
  );
  const answer = record(await client.get(pathOf(kinds.Pod, api.namespace, "conditions")));
  const conditions = list(record(answer.status).conditions).map(record);
  const ours = conditions.filter((condition) => String(condition.type).startsWith("weft.io/"));
  assert.deepEqual(ours.map((condition) => `${String(condition.type)}=${String(condition.status)}`).sort(), [
    "weft.io/One=False",
    "weft.io/Two=True",
  ]);
});

test("pages together are the whole list", async () => {
  for (const name of ["page-1", "page-2", "page-3"]) {
    await api.expect(201, "POST", api.path("pods"), pod(name, { labels: { paged: "yes" } }));
  }
  const names: unknown[] = [];
  let next: string | undefined;
  do {
    const query = { limit: 2, labelSelector: "paged=yes", continue: next };
    const page = await client.list(pathOf(kinds.Pod, api.namespace), { query });
    names.push(...page.items.map((item) => record(record(item).metadata).name));
    next = page.continue || undefined;
  } while (next !== undefined);
  assert.deepEqual(names, ["page-1", "page-2", "page-3"]);
});

test("a store whose connection is cut is right again, also when the server has forgotten the place", async (context) => {
  const server = new URL(api.config.server);
  await using relay = new Relay(server);
  const port = await relay.listen();
  using through = new KubeClient({
    ...api.config,
    server: `https://127.0.0.1:${port}`,
    ...(net.isIP(server.hostname) === 0 && { serverName: server.hostname }),
  });
  const namespace = `${api.namespace}-cut`;
  await api.makeNamespace(namespace);
  context.after(() => api.call("DELETE", `/api/v1/namespaces/${namespace}`));
  const path = pathOf(kinds.Service, namespace);
  const make = (name: string): Promise<unknown> =>
    client.create(path, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
  const { log, lines } = logBook();
  const store = watchKind(through, "Service", { signal: lifetime(context), namespace, log });
  const told: string[] = [];
  store.subscribe((changes) => void told.push(...changes.map((one) => one.new?.name ?? `-${one.old?.name}`)));
  await make("stays");
  await make("goes");
  await until(() => store.size === 2, "both Services are in the store");

  relay.cut();
  await make("after-a-cut");
  await until(() => store.size === 3, "the watch was resumed");

  relay.away = true;
  relay.cut();
  await until(() => store.lagging, "the store knows that it lags");
  await client.delete(pathOf(kinds.Service, namespace, "goes"));
  // More changes of this kind than the sandbox's server remembers.
  for (let i = 0; i < 120; i++) {
    await client.patch(`${path}/after-a-cut`, { metadata: { labels: { turn: `${i}` } } });
  }
  relay.away = false;
  await until(() => !store.lagging && store.size === 2, "the store has caught up");
  await until(() => store.get(namespace, "after-a-cut")?.labels.turn === "119", "the last label is there");
  if (!api.embedded) return;
  assert.deepEqual([...told].sort(), ["-goes", "after-a-cut", "after-a-cut", "goes", "stays"].sort());
  assert.match(lines.join("\n"), /watch of .* 410/);
});

test("one candidate leads; when it gives the lease back, the other does", async () => {
  const options = { client, namespace: api.namespace, name: "leader", durationMs: 3000 };
  const first = await new Lease({ ...options, identity: "a" }).acquire(AbortSignal.timeout(10_000));
  const waiting = new Lease({ ...options, identity: "b" }).acquire(AbortSignal.timeout(10_000));
  await first[Symbol.asyncDispose]();
  await using second = await waiting;
  assert.equal(second.transitions, first.transitions + 1);
  assert.equal(second.signal.aborted, false);
});

test("an event is found beside its object", async () => {
  const made = await api.expect(201, "POST", api.path("pods"), pod("eventful"));
  const uid = String(record(made.metadata).uid);
  await using recorder = new EventRecorder({ client, component: "weft-test" });
  const ref = { kind: "Pod", namespace: api.namespace, name: "eventful", uid } as const;
  recorder.record(ref, "Warning", "NoAddress", "no address left");
  const query = { fieldSelector: `involvedObject.uid=${uid}` };
  for (;;) {
    const { items } = await client.list(pathOf(events, api.namespace), { query });
    const found = items.map(record).find((item) => item.reason === "NoAddress");
    if (found) {
      assert.equal(found.message, "no address left");
      return;
    }
  }
});
