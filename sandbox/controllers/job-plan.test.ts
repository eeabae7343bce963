import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kept } from "../client/kinds.ts";
import type { Job, Pod } from "../client/objects.ts";
import { indexAnnotation, jobPlan } from "./job-plan.ts";

const now = Date.parse("2026-01-01T00:01:00Z");
const kept = <T extends Pod | Job>(raw: T): Kept<T> => ({
  namespace: "shop",
  name: raw.metadata.name,
  uid: raw.metadata.name,
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  raw,
});
const job = (spec: Partial<Job["spec"]> = {}): Kept<Job> =>
  kept({
    metadata: { name: "work" },
    spec: { template: { spec: { containers: [] } }, ...spec },
    status: { startTime: "2026-01-01T00:00:00Z" },
  });
const pod = (phase: "Running" | "Succeeded" | "Failed", index?: number, finishedAt = ""): Kept<Pod> => {
  const terminated = { exitCode: 1, reason: "Error", startedAt: "", finishedAt, containerID: "" };
  return kept({
    metadata: {
      name: "p",
      ...(index !== undefined && { annotations: { [indexAnnotation]: String(index) } }),
    },
    spec: { containers: [] },
    status: {
      phase,
      containerStatuses: [
        {
          name: "c",
          image: "",
          imageID: "",
          ready: false,
          started: false,
          restartCount: 0,
          lastState: {},
          state: phase === "Running" ? {} : { terminated },
        },
      ],
    },
  });
};

test("as many pods run as parallelism allows and completions still need", () => {
  const spec = { completions: 5, parallelism: 3 };
  assert.equal(jobPlan(job(spec), [], now).create.length, 3);
  assert.equal(jobPlan(job(spec), [pod("Running")], now).create.length, 2);
  const four = Array.from({ length: 4 }, () => pod("Succeeded"));
  assert.equal(jobPlan(job(spec), four, now).create.length, 1);
  assert.equal(jobPlan(job(spec), [...four, pod("Succeeded")], now).end?.type, "Complete");
  assert.equal(
    jobPlan(job({ ...spec, parallelism: 1 }), [pod("Running"), pod("Running")], now).delete.length,
    1,
  );
});

test("without completions one success ends the Job, once the other pods are done", () => {
  const spec = { parallelism: 2 };
  const waiting = jobPlan(job(spec), [pod("Succeeded"), pod("Running")], now);
  assert.deepEqual([waiting.create.length, waiting.end], [0, undefined]);
  assert.equal(jobPlan(job(spec), [pod("Succeeded")], now).end?.type, "Complete");
});

test("a failed pod is tried again after a wait that grows, until the limit is reached", () => {
  const failed = (...ends: readonly string[]) =>
    ends.map((end) => pod("Failed", undefined, `2026-01-01T00:${end}Z`));
  const first = jobPlan(job({ completions: 1 }), failed("00:59.500"), now);
  assert.deepEqual([first.create.length, first.againMs], [0, 500]);
  assert.equal(jobPlan(job({ completions: 1 }), failed("00:59"), now).create.length, 1);
  assert.equal(jobPlan(job({ completions: 1 }), failed("00:50", "00:59"), now).againMs, 1000);
  const over = jobPlan(job({ completions: 1, backoffLimit: 1 }), failed("00:50", "00:51"), now);
  assert.equal(over.end?.reason, "BackoffLimitExceeded");
});

test("an exceeded deadline ends the Job and its pods", () => {
  const plan = jobPlan(job({ completions: 1, activeDeadlineSeconds: 60 }), [pod("Running")], now);
  assert.equal(plan.end?.reason, "DeadlineExceeded");
  assert.equal(plan.delete.length, 1);
  const early = jobPlan(job({ completions: 1, activeDeadlineSeconds: 90 }), [pod("Running")], now);
  assert.deepEqual([early.end, early.againMs], [undefined, 30_000]);
});

test("an indexed Job makes the indexes that are missing, and a suspended one none", () => {
  const spec = { completions: 6, parallelism: 6, completionMode: "Indexed" } as const;
  const own = [pod("Succeeded", 0), pod("Succeeded", 1), pod("Succeeded", 4), pod("Running", 2)];
  const plan = jobPlan(job(spec), own, now);
  assert.deepEqual(plan.create, [3, 5]);
  assert.equal(plan.completedIndexes, "0-1,4");
  assert.deepEqual(jobPlan(job({ ...spec, suspend: true }), own, now).create, []);
});
