import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonObject } from "../json.ts";
import { pods } from "../kinds/pod.ts";
import { asKubeObject } from "../objects.ts";
import { spanText } from "./age.ts";
import { tableRow } from "./table.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("a time span", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [119 * second, "119s"],
    [3 * minute + 20 * second, "3m20s"],
    [5 * minute, "5m"],
    [42 * minute, "42m"],
    [3 * hour + 5 * minute, "3h5m"],
    [26 * hour, "26h"],
    [3 * day + 4 * hour, "3d4h"],
    [400 * day, "400d"],
    [3 * 365 * day, "3y"],
  ];
  for (const [ms, expected] of cases)
    it(`of ${ms} ms is written ${expected}`, () => assert.equal(spanText(ms), expected));
});

describe("a pod's row", () => {
  const now = Date.parse("2026-01-01T01:00:00Z");
  const row = (status: JsonObject, metadata: JsonObject = {}): unknown => {
    const pod = {
      metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
      spec: { containers: [{ name: "c" }] },
      status,
    };
    const cells = tableRow(pods, asKubeObject(pod), now, "None")["cells"];
    return Array.isArray(cells) ? cells.slice(0, 5) : cells;
  };
  const container = (state: JsonObject, more: JsonObject = {}): JsonObject => ({
    phase: "Running",
    containerStatuses: [{ name: "c", state, ...more }],
  });

  it("shows a running pod ready, with restarts and when the last was", () => {
    const last = { terminated: { finishedAt: "2026-01-01T00:30:00Z" } };
    const status = container({ running: {} }, { ready: true, restartCount: 2, lastState: last });
    assert.deepEqual(row(status), ["p", "1/1", "Running", "2 (30m ago)", "60m"]);
  });

  it("shows why a container waits or ended rather than the phase", () => {
    assert.deepEqual(row(container({ waiting: { reason: "CrashLoopBackOff" } })), [
      "p",
      "0/1",
      "CrashLoopBackOff",
      "0",
      "60m",
    ]);
    assert.deepEqual(row(container({ terminated: { exitCode: 3 } })), ["p", "0/1", "ExitCode:3", "0", "60m"]);
  });

  it("shows a pod that is being deleted as Terminating", () => {
    const cells = row(container({ running: {} }), { deletionTimestamp: "2026-01-01T01:00:30Z" });
    assert.deepEqual(cells, ["p", "0/1", "Terminating", "0", "60m"]);
  });

  it("counts init containers while they run", () => {
    const status = { phase: "Pending", initContainerStatuses: [{ name: "i", state: { running: {} } }] };
    const pod = asKubeObject({
      metadata: { name: "p" },
      spec: { containers: [{}], initContainers: [{}, {}] },
      status,
    });
    const cells = tableRow(pods, pod, now, "None")["cells"];
    assert.equal(Array.isArray(cells) && cells[2], "Init:0/2");
  });
});
