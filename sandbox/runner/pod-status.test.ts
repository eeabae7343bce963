import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerState, ContainerStatus, Pod, PodStatus } from "../client/objects.ts";
import { type PodView, podStatus, qosClassOf } from "./pod-status.ts";

const now = "2026-01-01T00:00:10Z";
const pod: Pod = { metadata: { name: "p" }, spec: { containers: [{ name: "main" }] } };
const times = { startedAt: now, finishedAt: now, reason: "x", containerID: "" };
const container = (
  state: ContainerState,
  ready = false,
  lastState: ContainerState = {},
): ContainerStatus => ({
  name: "main",
  image: "",
  imageID: "",
  ready,
  started: true,
  restartCount: 0,
  state,
  lastState,
});
const running: ContainerState = { running: { startedAt: now } };
const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode, ...times } });
const view = (containers: readonly ContainerStatus[], more: Partial<PodView> = {}): PodView => ({
  pod,
  hostIps: ["172.30.0.11"],
  podIps: ["10.0.0.5"],
  startTime: now,
  initialized: true,
  ended: false,
  initContainers: [],
  ephemeralContainers: [],
  containers,
  ...more,
});
const phase = (...args: Parameters<typeof view>) => podStatus(view(...args), undefined, now).phase;
const ready = (status: PodStatus) => status.conditions?.find(({ type }) => type === "Ready");

test("the phase follows the containers", () => {
  const waiting = { waiting: { reason: "ContainerCreating" } };
  const crashed = container({ waiting: { reason: "CrashLoopBackOff" } }, false, ended(1));
  assert.equal(phase([container(waiting)]), "Pending");
  assert.equal(phase([container(running)]), "Running");
  assert.equal(phase([crashed]), "Running");
  assert.equal(phase([container(running)], { initialized: false }), "Pending");
  assert.equal(phase([container(ended(0))], { ended: true }), "Succeeded");
  assert.equal(phase([container(ended(3))], { ended: true }), "Failed");
  assert.equal(phase([container(waiting)], { ended: true, initialized: false }), "Failed");
});

test("a condition keeps its transition time until its status changes", () => {
  const first = podStatus(view([container(running, true)]), undefined, "2026-01-01T00:00:00Z");
  const same = podStatus(view([container(running, true)]), first, now);
  assert.equal(ready(same)?.lastTransitionTime, "2026-01-01T00:00:00Z");
  const changed = podStatus(view([container(running, false)]), same, now);
  assert.deepEqual([ready(changed)?.status, ready(changed)?.lastTransitionTime], ["False", now]);
  assert.match(ready(changed)?.message ?? "", /\[main\]/);
});

test("a readiness gate must be open too, and conditions of others are kept", () => {
  const gated: Pod = { ...pod, spec: { ...pod.spec, readinessGates: [{ conditionType: "lb" }] } };
  const closed = podStatus(view([container(running, true)], { pod: gated }), undefined, now);
  assert.equal(ready(closed)?.status, "False");
  const lb = { type: "lb", status: "True" } as const;
  const open: Pod = { ...gated, status: { conditions: [lb] } };
  const status = podStatus(view([container(running, true)], { pod: open }), closed, now);
  assert.equal(ready(status)?.status, "True");
  assert.deepEqual(status.conditions?.[0], lb);
});

test("a pod that has lost its network still says which addresses it had", () => {
  const earlier = podStatus(view([container(running)]), undefined, now);
  const status = podStatus(view([container(ended(0))], { ended: true, podIps: [] }), earlier, now);
  assert.deepEqual(status.podIPs, [{ ip: "10.0.0.5" }]);
});

test("the class of service is Guaranteed only when every limit is set and requests equal limits", () => {
  const limits = { cpu: "1", memory: "1Gi" };
  const withResources = (resources: object): Pod => ({
    ...pod,
    spec: { containers: [{ name: "main", resources }] },
  });
  assert.equal(qosClassOf(pod), "BestEffort");
  assert.equal(qosClassOf(withResources({ limits })), "Guaranteed");
  assert.equal(qosClassOf(withResources({ limits, requests: { cpu: "500m" } })), "Burstable");
});
