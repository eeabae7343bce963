// What a node reports about itself: the Node object at registration, and the conditions of each heartbeat. Pure.

import { arch, cpus, release, totalmem } from "node:os";
import { timeText } from "../client/kinds.ts";
import type { Condition, Node } from "../client/objects.ts";

export interface NodeIdentity {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Beside the usual ones. */
  readonly labels: Readonly<Record<string, string>>;
}

const mostPods = 250;

/** Created when the API has no such node. It has no network until the plugin's agent says otherwise. */
export function newNode(identity: NodeIdentity, now: Date): Node {
  const time = timeText(now);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: identity.name, labels: labelsOf(identity) },
    spec: {},
    status: {
      ...facts(identity),
      conditions: [
        {
          type: "NetworkUnavailable",
          status: "True",
          reason: "NoRouteCreated",
          message: "the pod network's agent has not cleared this yet",
          lastHeartbeatTime: time,
          lastTransitionTime: time,
        },
      ],
    },
  };
}

export function labelsOf(identity: NodeIdentity): Record<string, string> {
  return {
    ...identity.labels,
    "kubernetes.io/hostname": identity.name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture(),
  };
}

/**
 * The status in a heartbeat, as a strategic merge patch: conditions merge by type, so the agent's NetworkUnavailable is
 * left alone.
 * @param problem why pods cannot run here (no CNI configuration); undefined means ready.
 */
export function nodeStatus(
  identity: NodeIdentity,
  earlier: readonly Condition[],
  problem: string | undefined,
  now: Date,
): NonNullable<Node["status"]> {
  const time = timeText(now);
  const healthy = (type: string, reason: string): Condition => ({ type, status: "False", reason });
  const own: readonly Condition[] = [
    healthy("MemoryPressure", "KubeletHasSufficientMemory"),
    healthy("DiskPressure", "KubeletHasNoDiskPressure"),
    healthy("PIDPressure", "KubeletHasSufficientPID"),
    problem === undefined
      ? { type: "Ready", status: "True", reason: "KubeletReady", message: "runner is posting ready status" }
      : { type: "Ready", status: "False", reason: "KubeletNotReady", message: problem },
  ];
  const conditions = own.map((next): Condition => {
    const last = earlier.find(({ type }) => type === next.type);
    const since = last?.status === next.status ? last.lastTransitionTime : undefined;
    return { ...next, lastHeartbeatTime: time, lastTransitionTime: since ?? time };
  });
  return { ...facts(identity), conditions };
}

function facts(identity: NodeIdentity) {
  const resources = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(mostPods),
  };
  return {
    addresses: [
      ...identity.addresses.map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: identity.name },
    ],
    capacity: resources,
    allocatable: resources,
    nodeInfo: {
      machineID: identity.name,
      systemUUID: identity.name,
      bootID: identity.name,
      kernelVersion: release(),
      osImage: "Weft sandbox",
      operatingSystem: "linux",
      architecture: architecture(),
      containerRuntimeVersion: "sandbox://1",
      kubeletVersion: "v1.32.0",
      kubeProxyVersion: "",
    },
  };
}

function architecture(): string {
  return arch() === "x64" ? "amd64" : arch();
}
