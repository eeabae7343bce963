// Events: few requests, whatever the callers do, and no trouble for the callers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeClient } from "../../src/kube/client.ts";
import { record } from "../../src/kube/json.ts";
import type { ObjectRef } from "../../src/kube/kinds.ts";
import { EventRecorder } from "../../src/kube/recorder.ts";
import {
  type Answer,
  json,
  logBook,
  type ManualClock,
  manualClock,
  type Scripted,
  scripted,
  status,
  until,
} from "./kubeScript.ts";

const web1: ObjectRef = { kind: "Pod", namespace: "shop", name: "web-1", uid: "u1" };
const n1: ObjectRef = { kind: "Node", namespace: "", name: "n1", uid: "u2" };

interface Scene {
  readonly recorder: EventRecorder;
  readonly clock: ManualClock;
  readonly server: Scripted;
  readonly log: readonly string[];
  /** Lets time pass until the server has answered `n` requests in all. */
  readonly requests: (n: number) => Promise<void>;
}

async function scene(answers: readonly Answer[], play: (scene: Scene) => Promise<void>): Promise<void> {
  await using server = await scripted(answers);
  using client = new KubeClient({ server: server.url, namespace: "default" });
  const clock = manualClock();
  const { log, lines } = logBook();
  const options = { client, component: "weft-controller", host: "n1", clock, log, random: () => 0.5 };
  await using recorder = new EventRecorder(options);
  const requests = (n: number): Promise<void> =>
    until(() => {
      if (server.seen.length < n && server.counts.answering === 0) clock.advance(100);
      return server.seen.length === n && server.counts.answering === 0;
    }, `the server has answered ${n} requests`);
  await play({ recorder, clock, server, log: lines, requests });
}

const bodyOf = (server: Scripted, n: number): unknown => JSON.parse(server.seen[n]?.body ?? "null");

test("an event is one Event object beside what it is about", () =>
  scene([json({})], async ({ recorder, server, requests, clock }) => {
    const at = new Date(clock.wall()).toISOString().replace(/\.\d+/, "");
    recorder.record(web1, "Warning", "NoAddress", "no address left in 10.244.3.0/24");
    await requests(1);
    assert.equal(server.seen[0]?.path, "/api/v1/namespaces/shop/events");
    assert.deepEqual(bodyOf(server, 0), {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace: "shop", name: "web-1.8888888888888888" },
      involvedObject: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "web-1", uid: "u1" },
      type: "Warning",
      reason: "NoAddress",
      message: "no address left in 10.244.3.0/24",
      source: { component: "weft-controller", host: "n1" },
      reportingComponent: "weft-controller",
      reportingInstance: "n1",
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    });
  }));

test("an event about a cluster-scoped object is in the namespace default", () =>
  scene([json({})], async ({ recorder, server, requests }) => {
    recorder.record(n1, "Normal", "Ready", "it is");
    await requests(1);
    assert.equal(server.seen[0]?.path, "/api/v1/namespaces/default/events");
  }));

test("a thousand repetitions raise a count, once in a while", () =>
  scene([json({})], async ({ recorder, server, requests, clock }) => {
    recorder.record(web1, "Warning", "NoAddress", "none");
    await requests(1);
    for (let i = 0; i < 1000; i++) recorder.record(web1, "Warning", "NoAddress", "none");
    const before = clock.now();
    await requests(2);
    assert.ok(clock.now() - before >= 29_000);
    assert.equal(server.seen[1]?.method, "PATCH");
    assert.equal(server.seen[1]?.path, "/api/v1/namespaces/shop/events/web-1.8888888888888888");
    assert.equal(record(bodyOf(server, 1)).count, 1001);
  }));

test("a repetition after the wall clock was set back has the new time, and is not a new Event", () =>
  scene([json({})], async ({ recorder, server, requests, clock }) => {
    recorder.record(web1, "Warning", "NoAddress", "none");
    await requests(1);
    clock.step(-365 * 86_400_000);
    const lastTimestamp = new Date(clock.wall()).toISOString().replace(/\.\d+/, "");
    recorder.record(web1, "Warning", "NoAddress", "none");
    await requests(2);
    assert.deepEqual(bodyOf(server, 1), { count: 2, lastTimestamp });
  }));

test("an Event that the server has forgotten is made anew", () =>
  scene([json({}), status(404, "NotFound"), json({})], async ({ recorder, server, requests }) => {
    recorder.record(web1, "Warning", "NoAddress", "none");
    await requests(1);
    recorder.record(web1, "Warning", "NoAddress", "none");
    await requests(3);
    assert.deepEqual(
      server.seen.map((seen) => seen.method),
      ["POST", "PATCH", "POST"],
    );
    assert.equal(record(bodyOf(server, 2)).count, 2);
  }));

test("an event survives a server in trouble, and is written once", () =>
  scene(
    [status(503, "ServiceUnavailable"), status(409, "AlreadyExists")],
    async ({ recorder, server, requests, clock }) => {
      recorder.record(web1, "Normal", "Ready", "it is");
      await requests(2);
      assert.deepEqual(bodyOf(server, 1), bodyOf(server, 0));
      for (let i = 0; i < 100; i++) clock.advance(1000);
      recorder.record(web1, "Normal", "Other", "too");
      await requests(3);
      assert.equal(record(bodyOf(server, 2)).reason, "Other");
    },
  ));

test("an event that is refused is dropped with a log line, and the next one is written", () =>
  scene([status(403, "Forbidden"), json({})], async ({ recorder, server, requests, log }) => {
    recorder.record(web1, "Normal", "Ready", "it is");
    recorder.record(n1, "Normal", "Ready", "it is");
    await requests(2);
    assert.equal(record(record(bodyOf(server, 1)).involvedObject).kind, "Node");
    assert.match(log.join("\n"), /an event cannot be written and is dropped/);
  }));

test("a flood of different events is bounded", () =>
  scene([() => undefined], async ({ recorder, log, clock, server }) => {
    for (let i = 0; i < 1500; i++) recorder.record({ ...web1, name: `p${i}` }, "Normal", "Ready", "it is");
    assert.equal(log.length, 500);
    for (let i = 0; i < 10; i++) clock.advance(1000);
    await until(() => server.seen.length === 1, "one request is under way");
  }));

test("a closed recorder takes events and does nothing", () =>
  scene([json({})], async ({ recorder, server, clock }) => {
    recorder.record(web1, "Normal", "Ready", "it is");
    await recorder[Symbol.asyncDispose]();
    recorder.record(web1, "Normal", "Ready", "it is");
    clock.advance(100_000);
    assert.equal(server.seen.length, 0);
  }));
