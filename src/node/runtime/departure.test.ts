import assert from "node:assert/strict";
import { test } from "node:test";
import { KubeError } from "../../kube/error.ts";
import type { Pod } from "../../kube/objects.ts";
import type { Pods } from "../nouns/pods.ts";
import { departureAsked } from "./departure.ts";

const wanted = { namespace: "shop", name: "web", uid: "u" };
const pod: Pod = {
  kind: "Pod",
  namespace: "shop",
  name: "web",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  nodeName: "n1",
  hostNetwork: false,
  phase: "Pending",
  podIps: [],
};
const raw = (uid: string, more: object = {}, status: object = {}): object => ({
  metadata: { namespace: "shop", name: "web", uid, resourceVersion: "1", ...more },
  spec: { nodeName: "n1" },
  status,
});

/** The watch knows the pods that the test puts; the API server answers with `answers`, one after the other. */
function world(known: Pod | undefined, ...answers: readonly (object | Error)[]) {
  const listeners = new Set<() => void>();
  let now = known;
  let asked = 0;
  const pods: Pods = {
    lagging: false,
    get: () => now,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const get = (path: string): Promise<unknown> => {
    assert.equal(path, "/api/v1/namespaces/shop/pods/web");
    const answer = answers[Math.min(asked++, answers.length - 1)];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const options = { pods, client: { get }, askMs: { first: 1, again: 1 } };
  return {
    asked: () => asked,
    become: (next: Pod | undefined): void => {
      now = next;
      for (const listener of listeners) listener();
    },
    gone: (uid: string | undefined = "u", signal = new AbortController().signal) =>
      departureAsked(options, { ...wanted, uid }, signal),
  };
}

const notFound = new KubeError("no", { status: 404, reason: "NotFound" });

test("a pod that the watch knew is gone when it is deleted, replaced, marked for deletion, or has ended", async () => {
  const ends: readonly (readonly [Pod | undefined, RegExp])[] = [
    [undefined, /was deleted/],
    [{ ...pod, uid: "successor" }, /was deleted/],
    [{ ...pod, deletionTimestamp: "2026-01-01T00:00:00Z" }, /is being deleted/],
    [{ ...pod, phase: "Failed" }, /has ended/],
    [{ ...pod, phase: "Succeeded" }, /has ended/],
  ];
  for (const [end, why] of ends) {
    const { gone, become } = world(pod);
    const waiting = gone();
    become({ ...pod, resourceVersion: "2" });
    become(end);
    assert.match(await waiting, why);
  }
});

test("of a pod that the watch does not know the API server is asked, and only a definite answer counts", async () => {
  const definite: readonly (readonly [object | Error, RegExp])[] = [
    [notFound, /knows no such pod/],
    [raw("successor"), /has UID successor/],
    [raw("u", { deletionTimestamp: "2026-01-01T00:00:00Z" }), /is being deleted/],
    [raw("u", {}, { phase: "Succeeded" }), /has ended/],
  ];
  const vague = [
    new KubeError("no", { status: 403, reason: "Forbidden" }),
    new KubeError("no", { status: 0, reason: "TimedOut" }),
    {},
    raw("u"),
  ];
  for (const [answer, why] of definite) {
    const { gone, asked } = world({ ...pod, uid: "predecessor" }, ...vague, answer);
    assert.match(await gone(), why);
    assert.equal(asked(), vague.length + 1);
  }
});

test("a static pod is there as long as its mirror is, and a runtime that sends no UID means the pod of that name", async () => {
  const annotations = { "kubernetes.io/config.hash": "hash" };
  for (const [known, uid] of [
    [{ ...pod, annotations }, "hash"],
    [pod, undefined],
  ] as const) {
    const { gone, become, asked } = world(known, notFound);
    const waiting = gone(uid);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(asked(), 0);
    become(undefined);
    assert.match(await waiting, /was deleted/);
  }
});

test("it ends with its signal", async () => {
  const stop = new AbortController();
  const waiting = world(pod).gone("u", stop.signal);
  stop.abort(new Error("answered"));
  await assert.rejects(waiting);
});
