import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kept } from "../client/kinds.ts";
import type { Pod, StatefulSet } from "../client/objects.ts";
import { templateHash } from "./rollout.ts";
import { revisionLabel, steps } from "./stateful-sets.ts";

const spec: StatefulSet["spec"] = { replicas: 3, selector: {}, template: { spec: { containers: [] } } };
const kept = <T extends Pod | StatefulSet>(raw: T): Kept<T> => ({
  namespace: "shop",
  name: raw.metadata.name,
  uid: raw.metadata.name,
  resourceVersion: "1",
  labels: raw.metadata.labels ?? {},
  annotations: {},
  deletionTimestamp: raw.metadata.deletionTimestamp,
  raw,
});
const set = (changes: Partial<StatefulSet["spec"]> = {}): Kept<StatefulSet> =>
  kept({ metadata: { name: "db" }, spec: { ...spec, ...changes } });
const newest = `db-${templateHash(spec.template)}`;

interface PodState {
  readonly ready?: boolean;
  readonly revision?: string;
  readonly going?: boolean;
}

const pod = (ordinal: number, { ready = true, revision = newest, going = false }: PodState = {}): Kept<Pod> =>
  kept({
    metadata: {
      name: `db-${ordinal}`,
      labels: { [revisionLabel]: revision },
      ...(going && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    spec: { containers: [] },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });

/** The first step, which is all that an ordered set takes. */
function first(set: Kept<StatefulSet>, ...pods: readonly Kept<Pod>[]): string {
  const [step] = steps(set, pods);
  if (!step) return "nothing";
  if (step.doing === "create") return `create ${step.ordinal}`;
  return step.doing === "delete" ? `delete ${step.pod.name}` : "wait";
}

test("pods start one by one, each when the one before is ready", () => {
  assert.equal(first(set()), "create 0");
  assert.equal(first(set(), pod(0, { ready: false })), "wait");
  assert.equal(first(set(), pod(0)), "create 1");
  assert.equal(first(set(), pod(0), pod(2)), "create 1");
  assert.equal(first(set(), pod(0), pod(1), pod(2)), "nothing");
  assert.equal(first(set({ ordinals: { start: 5 } })), "create 5");
});

test("surplus pods are deleted from the end, one by one", () => {
  const one = set({ replicas: 1 });
  assert.equal(first(one, pod(0), pod(1), pod(2)), "delete db-2");
  assert.equal(first(one, pod(0), pod(1), pod(2, { going: true })), "wait");
});

test("outdated pods are replaced from the end while all are ready, down to the partition", () => {
  const old = { revision: "db-old" };
  const all = [pod(0, old), pod(1, old), pod(2, old)];
  assert.equal(first(set(), ...all), "delete db-2");
  assert.equal(first(set(), pod(0, old), pod(1, old), pod(2, { ready: false })), "wait");
  assert.equal(first(set(), pod(0, old), pod(1, old), pod(2)), "delete db-1");
  const partition = { updateStrategy: { rollingUpdate: { partition: 2 } } };
  assert.equal(first(set(partition), pod(0, old), pod(1, old), pod(2)), "nothing");
  assert.equal(first(set({ updateStrategy: { type: "OnDelete" } }), ...all), "nothing");
});
