// A pod's status as a kubelet would report it. Pure: the same view and the same earlier status give the same result,
// and a condition keeps its transition time while its value stays.

import type { Condition, ContainerStatus, Pod, PodStatus } from "../client/objects.ts";

export interface PodView {
  readonly pod: Pod;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  readonly startTime: string;
  /** True once every init container has succeeded. */
  readonly initialized: boolean;
  /** Set when the pod has ended for good. */
  readonly ended: boolean;
  readonly initContainers: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  readonly ephemeralContainers: readonly ContainerStatus[];
}

const ownConditions = [
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
];

export function podStatus(view: PodView, earlier: PodStatus | undefined, now: string): PodStatus {
  const { pod, hostIps, containers, initContainers, ephemeralContainers } = view;
  // A pod that has lost its network keeps saying which addresses it had, as a kubelet's does.
  const podIps = view.podIps.length > 0 ? view.podIps : (earlier?.podIPs ?? []).map(({ ip }) => ip);
  const phase = phaseOf(view);
  return {
    phase,
    conditions: conditionsOf(view, phase, earlier?.conditions ?? [], now),
    ...(hostIps[0] === undefined ? {} : { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps[0] === undefined ? {} : { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: earlier?.startTime ?? view.startTime,
    qosClass: qosClassOf(pod),
    ...(initContainers.length > 0 ? { initContainerStatuses: initContainers } : {}),
    containerStatuses: containers,
    ...(ephemeralContainers.length > 0 ? { ephemeralContainerStatuses: ephemeralContainers } : {}),
  };
}

function phaseOf(view: PodView): NonNullable<PodStatus["phase"]> {
  const { containers, initContainers } = view;
  const failed = (status: ContainerStatus) =>
    status.state.terminated !== undefined && status.state.terminated.exitCode !== 0;
  if (view.ended) {
    const good = view.initialized && containers.every((status) => status.state.terminated?.exitCode === 0);
    return good ? "Succeeded" : "Failed";
  }
  if (!view.initialized) {
    const never = (view.pod.spec.restartPolicy ?? "Always") === "Never";
    return never && initContainers.some(failed) ? "Failed" : "Pending";
  }
  const begun = ({ state, lastState }: ContainerStatus) =>
    state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined;
  return containers.every(begun) ? "Running" : "Pending";
}

function conditionsOf(
  view: PodView,
  phase: PodStatus["phase"],
  earlier: readonly Condition[],
  now: string,
): Condition[] {
  const over = phase === "Succeeded" || phase === "Failed";
  const names = (statuses: readonly ContainerStatus[]) => `[${statuses.map(({ name }) => name).join(" ")}]`;
  const unready = view.containers.filter(({ ready }) => !ready);
  const completed = phase === "Succeeded" ? "PodCompleted" : "PodFailed";
  const notReady: Pick<Condition, "reason" | "message"> = over
    ? { reason: completed }
    : { reason: "ContainersNotReady", message: `containers with unready status: ${names(unready)}` };
  const foreign = (view.pod.status?.conditions ?? []).filter(({ type }) => !ownConditions.includes(type));
  const gates = (view.pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const closed = gates.filter((type) => !foreign.some((c) => c.type === type && c.status === "True"));
  const containersReady = !over && unready.length === 0;
  const own = [
    condition("PodReadyToStartContainers", view.podIps.length > 0),
    condition(
      "Initialized",
      view.initialized,
      over ? { reason: completed } : { reason: "ContainersNotInitialized" },
    ),
    condition(
      "Ready",
      containersReady && closed.length === 0,
      containersReady
        ? { reason: "ReadinessGatesNotReady", message: `gates not open: ${closed.join(" ")}` }
        : notReady,
    ),
    condition("ContainersReady", containersReady, notReady),
    condition("PodScheduled", true),
  ].map((next): Condition => {
    const last = earlier.find(({ type }) => type === next.type);
    const since = last?.status === next.status ? last.lastTransitionTime : undefined;
    return { ...next, lastTransitionTime: since ?? now };
  });
  return [...foreign, ...own];
}

function condition(type: string, good: boolean, why: Pick<Condition, "reason" | "message"> = {}): Condition {
  return { type, status: good ? "True" : "False", ...(good ? {} : why) };
}

/** Guaranteed when every container's limits for cpu and memory are set and equal its requests. */
export function qosClassOf(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ resources }) => ({
    requests: resources?.requests ?? {},
    limits: resources?.limits ?? {},
  }));
  if (all.every((r) => Object.keys(r.requests).length + Object.keys(r.limits).length === 0))
    return "BestEffort";
  const guaranteed = all.every(({ requests, limits }) =>
    ["cpu", "memory"].every(
      (key) => limits[key] !== undefined && (requests[key] ?? limits[key]) === limits[key],
    ),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
