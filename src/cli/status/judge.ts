// From the answers of the three sources to one sentence of health. Pure, so that each sentence has a test. When a
// source cannot be reached, the others are still judged, and the answer is "cannot tell".

import { chassisIdOf, poolOfferOf } from "../../kube/annotations.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import { annotations, namesOf } from "../../model/names.ts";
import { hasNestedPorts, type PoolReport, placeInPool, poolReport } from "./pool.ts";

export interface Snapshot {
  readonly cluster: string;
  readonly kubernetes: KubernetesView | Unreachable;
  readonly northbound: NorthboundView | Unreachable;
  readonly southbound: SouthboundView | Unreachable;
}

export interface Unreachable {
  readonly unreachable: string;
}

export interface KubernetesView {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly serviceCount: number;
  readonly leader: Leader | undefined;
}

/** Who holds the controllers' Lease. */
export interface Leader {
  readonly holder: string;
  /** It has stopped renewing the Lease. */
  readonly silent: boolean;
  /** What the holder says about deletions it holds back, or "". */
  readonly heldDeletions: string;
}

export interface NorthboundView {
  /** Names of logical switch ports. */
  readonly ports: ReadonlySet<string>;
  /** From NB_Global: what was asked for, what the southbound database has, what all nodes have. */
  readonly nbCfg: number;
  readonly sbCfg: number;
  readonly hvCfg: number;
  /** The result of a probe, if one was asked for: see Lag. */
  readonly probe?: Probe;
}

/** How long a new generation took to travel from the northbound database; undefined when it did not arrive in time. */
export interface Probe {
  readonly southboundMs: number | undefined;
  readonly nodesMs: number | undefined;
}

export interface SouthboundView {
  /** Chassis names, which are system-ids, each with the southbound generation that it has reached. */
  readonly chassis: ReadonlyMap<string, number>;
  readonly nbCfg: number;
  /** logical port ▶ its binding. */
  readonly bindings: ReadonlyMap<string, { readonly bound: boolean; readonly up: boolean }>;
}

export interface WaitingPod {
  readonly pod: string;
  readonly node: string;
  readonly step: "address" | "northbound" | "southbound" | "node" | "flows";
  readonly why: string;
}

export interface NodeReport {
  readonly name: string;
  readonly subnets: readonly string[];
  readonly pods: number;
  readonly chassis: string;
  /** How many ready ports the node has for pods, and how many of them are in use; undefined where there is no pool. */
  readonly pool: PoolReport | undefined;
  readonly problem: string | undefined;
}

export interface Report {
  readonly health: "healthy" | "unhealthy" | "unknown";
  readonly sentence: string;
  readonly leader: string | undefined;
  /** Which deletions the leader holds back, and why. */
  readonly heldDeletions: string | undefined;
  readonly nodes: readonly NodeReport[];
  readonly waiting: readonly WaitingPod[];
  readonly lag: Lag;
  readonly unreachable: readonly string[];
}

/** How many pods are stuck between each pair of stores, and how far apart the databases' generations are. */
export interface Lag {
  readonly kubernetesToNorthbound: number | undefined;
  readonly northboundToSouthbound: number | undefined;
  readonly southboundToNodes: number | undefined;
  readonly generations:
    | { readonly northbound: number; readonly southbound: number; readonly nodes: number }
    | undefined;
  readonly probe: Probe | undefined;
}

export function judge(snapshot: Snapshot): Report {
  const { kubernetes, northbound, southbound } = snapshot;
  const unreachable = Object.entries({ kubernetes, northbound, southbound }).flatMap(([name, view]) =>
    "unreachable" in view ? [`${name}: ${view.unreachable}`] : [],
  );
  const waiting = waitingPods(snapshot);
  const nodes = nodeReports(snapshot);
  const leader = "unreachable" in kubernetes ? undefined : kubernetes.leader;
  const leaderless = !("unreachable" in kubernetes) && (!leader || leader.silent);
  const heldDeletions = leader?.heldDeletions || undefined;
  const sick = nodes.filter((node) => node.problem !== undefined);
  const problems = [
    ...(leaderless
      ? [leader ? `no controller leads (${leader.holder} is silent)` : "no controller leads"]
      : []),
    ...(heldDeletions === undefined ? [] : ["the controller holds deletions back"]),
    ...(sick.length > 0 ? [`${counted(sick.length, "node")} with a problem`] : []),
    ...(waiting.length > 0 ? [`${counted(waiting.length, "pod")} waiting for the network`] : []),
  ];
  const health = unreachable.length > 0 ? "unknown" : problems.length > 0 ? "unhealthy" : "healthy";
  const steps = (...wanted: WaitingPod["step"][]): number =>
    waiting.filter((each) => wanted.includes(each.step)).length;
  const known = !("unreachable" in kubernetes || "unreachable" in northbound);
  return {
    health,
    sentence: sentenceOf(health, snapshot, problems, unreachable),
    leader: leader?.holder,
    heldDeletions,
    nodes,
    waiting,
    lag: {
      kubernetesToNorthbound: known ? steps("address", "northbound") : undefined,
      northboundToSouthbound: "unreachable" in southbound ? undefined : steps("southbound"),
      southboundToNodes: "unreachable" in southbound ? undefined : steps("node", "flows"),
      generations:
        "unreachable" in northbound
          ? undefined
          : { northbound: northbound.nbCfg, southbound: northbound.sbCfg, nodes: northbound.hvCfg },
      probe: "unreachable" in northbound ? undefined : northbound.probe,
    },
    unreachable,
  };
}

function sentenceOf(
  health: Report["health"],
  { kubernetes }: Snapshot,
  problems: readonly string[],
  unreachable: readonly string[],
): string {
  const found = problems.length > 0 ? `; ${problems.join(", ")}` : "";
  if (health === "unknown") return `cannot tell: ${unreachable.join("; ")}${found}`;
  if ("unreachable" in kubernetes || health === "unhealthy") return `unhealthy: ${problems.join(", ")}`;
  const { nodes, pods, serviceCount } = kubernetes;
  return `healthy: ${counted(nodes.length, "node")}, ${counted(pods.length, "pod")}, ${counted(serviceCount, "Service")}; nothing waits`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Pods that should have a network: scheduled, not in the host's network, neither finished nor being deleted. */
const isDue = (pod: Pod): boolean =>
  pod.nodeName !== "" &&
  !pod.hostNetwork &&
  pod.phase !== "Succeeded" &&
  pod.phase !== "Failed" &&
  pod.deletionTimestamp === undefined;

function waitingPods(snapshot: Snapshot): WaitingPod[] {
  const { kubernetes } = snapshot;
  if ("unreachable" in kubernetes) return [];
  return kubernetes.pods.filter(isDue).flatMap((pod) => {
    const reason = waitsFor(pod, snapshot);
    return reason ? [{ pod: `${pod.namespace}/${pod.name}`, node: pod.nodeName, ...reason }] : [];
  });
}

function waitsFor(
  pod: Pod,
  { cluster, kubernetes, northbound, southbound }: Snapshot,
): Pick<WaitingPod, "step" | "why"> | undefined {
  const node =
    "unreachable" in kubernetes ? undefined : kubernetes.nodes.find(({ name }) => name === pod.nodeName);
  const place = node && placeInPool(node, pod);
  const names = namesOf(cluster);
  const port =
    node && place !== undefined ? names.poolPort(node.name, place) : names.podPort(pod.namespace, pod.name);
  if (place === undefined && pod.annotations[annotations.podNetworks] === undefined) {
    const why =
      node && poolOfferOf(node)
        ? `its node has not given it a port from its pool: see the agent's log on ${pod.nodeName}`
        : "has no address: see the pod's Events and the controller's log";
    return { step: "address", why };
  }
  if ("unreachable" in northbound) return undefined;
  if (!northbound.ports.has(port))
    return {
      step: "northbound",
      why: `port ${port} is not in the northbound database: see the controller's log`,
    };
  if ("unreachable" in southbound) return undefined;
  const binding = southbound.bindings.get(port);
  if (!binding)
    return {
      step: "southbound",
      why: `port ${port} is not in the southbound database: is ovn-northd running?`,
    };
  if (!binding.bound)
    return {
      step: "node",
      why: `no chassis has bound port ${port}: see the agent's log on ${pod.nodeName}, and whether ovn-controller runs there`,
    };
  if (!binding.up)
    return {
      step: "flows",
      why: `ovn-controller on ${pod.nodeName} has not installed the flows of port ${port}`,
    };
  return undefined;
}

function nodeReports(snapshot: Snapshot): NodeReport[] {
  const { kubernetes, southbound } = snapshot;
  if ("unreachable" in kubernetes) return [];
  const podCount = new Map<string, number>();
  for (const pod of kubernetes.pods)
    if (isDue(pod)) podCount.set(pod.nodeName, (podCount.get(pod.nodeName) ?? 0) + 1);
  const chassis = Map.groupBy(kubernetes.nodes, chassisIdOf);
  return kubernetes.nodes.map((node) => ({
    name: node.name,
    subnets: subnetsOf(node),
    pods: podCount.get(node.name) ?? 0,
    chassis: node.annotations[annotations.nodeChassisId] ?? "",
    pool: poolReport(node, kubernetes.pods.filter(isDue)),
    problem: twinProblem(node, chassis) ?? nodeProblem(node, southbound),
  }));
}

/** Nodes with one system-id are one chassis to OVN. */
function twinProblem(
  node: Node,
  nodesOf: ReadonlyMap<string | undefined, readonly Node[]>,
): string | undefined {
  const id = chassisIdOf(node);
  const twins = (nodesOf.get(id) ?? []).flatMap(({ name }) => (name === node.name ? [] : name));
  if (id === undefined || twins.length === 0) return undefined;
  return `has the same system-id as ${twins.join(", ")}: ${id}; its Events say which to change`;
}

function nodeProblem(node: Node, southbound: Snapshot["southbound"]): string | undefined {
  const chassis = node.annotations[annotations.nodeChassisId];
  if (node.annotations[annotations.nodeSubnets] === undefined)
    return "has no subnet: see the controller's log";
  // A virtual machine of a cloud is not a chassis itself; its ports carry tags.
  if (chassis === undefined && !hasNestedPorts(node))
    return "its agent has not announced itself: see the agent's log";
  if (chassis !== undefined && !("unreachable" in southbound)) {
    const reached = southbound.chassis.get(chassis);
    if (reached === undefined)
      return `chassis ${chassis} is not in the southbound database: is ovn-controller running?`;
    if (reached < southbound.nbCfg)
      return `ovn-controller is behind: generation ${reached} of ${southbound.nbCfg}`;
  }
  return node.networkUnavailable ? "its agent is not ready: see the agent's log" : undefined;
}

/** The subnets in the annotation, whether people or Weft wrote it; empty when it is not readable. */
function subnetsOf(node: Node): string[] {
  const text = node.annotations[annotations.nodeSubnets] ?? "";
  return [...text.matchAll(/"([0-9a-fA-F:.]+\/\d+)"/g)].map((match) => match[1] ?? "");
}
