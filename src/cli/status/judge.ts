// From the answers of the three sources to one sentence of health. Pure, so that each sentence has a test. When a
// source cannot be reached, the others are still judged, and the answer is "cannot tell".

import type { PolicySummary } from "../../controller/policySummary.ts";
import { counted } from "../../model/counted.ts";
import { type NamesReport, namesText } from "./names.ts";
import { type NodeReport, nodeReports } from "./nodes.ts";
import { obstacles, type Problem, problemsOf } from "./problems.ts";
import type { KubernetesView, MalformedPolicy, Probe, Snapshot } from "./snapshot.ts";
import type { Unreached } from "./unreached.ts";
import { type WaitingPod, waitingPods } from "./waiting.ts";

export interface Report {
  readonly health: "healthy" | "unhealthy" | "unknown";
  readonly sentence: string;
  readonly leader: string | undefined;
  /** Which deletions the leader holds back, and why. */
  readonly heldDeletions: string | undefined;
  readonly nodes: readonly NodeReport[];
  readonly waiting: readonly WaitingPod[];
  /** How many policies are in force, and which are not; undefined when no leader says so. */
  readonly policies: PolicySummary | undefined;
  /** What is known of domain names in policies; undefined when no policy has one. */
  readonly names: NamesReport | undefined;
  /** Policies with parts that make no sense and allow nothing. */
  readonly malformed: readonly MalformedPolicy[];
  /** Services of type LoadBalancer and FloatingAddresses that nobody from outside can reach yet. */
  readonly unreached: readonly Unreached[];
  /** How many pods are closed for a security profile that they may not have. */
  readonly closedPods: number;
  /** What objects ask for in vain, and how many of them. */
  readonly notServed: readonly { readonly what: string; readonly objects: number }[];
  readonly lag: Lag;
  readonly unreachable: readonly string[];
  /** The command that helps now. */
  readonly next: string;
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
  const { kubernetes } = snapshot;
  const unreachable = obstacles(snapshot);
  const waiting = waitingPods(snapshot);
  const nodes = nodeReports(snapshot);
  const problems = problemsOf(snapshot, { nodes, waiting });
  const leader =
    "unreachable" in kubernetes || kubernetes.leader === "unknown" ? undefined : kubernetes.leader;
  const health = unreachable.length > 0 ? "unknown" : problems.length > 0 ? "unhealthy" : "healthy";
  const notServed = "unreachable" in kubernetes ? [] : notServedIn(kubernetes);
  return {
    health,
    sentence: sentenceOf(health, snapshot, problems, unreachable),
    leader: leader?.holder,
    heldDeletions: leader?.heldDeletions || undefined,
    nodes,
    waiting,
    policies: leader?.silent === false ? leader.policies : undefined,
    names: "unreachable" in kubernetes ? undefined : kubernetes.names,
    malformed: "unreachable" in kubernetes ? [] : (kubernetes.malformed ?? []),
    unreached: "unreachable" in kubernetes ? [] : (kubernetes.unreached ?? []),
    closedPods: "unreachable" in snapshot.northbound ? 0 : (snapshot.northbound.closedPods ?? 0),
    notServed,
    lag: lagOf(snapshot, waiting),
    unreachable: unreachable.map(({ what }) => what),
    next: (unreachable[0] ?? problems[0])?.next ?? whenHealthy(notServed.length > 0),
  };
}

const whenHealthy = (isSomethingIgnored: boolean): string =>
  isSomethingIgnored
    ? "kubectl get events -A --field-selector reason=NotServed"
    : "weft status --probe, to measure how long a change takes to reach all nodes";

function sentenceOf(
  health: Report["health"],
  { kubernetes }: Snapshot,
  problems: readonly Problem[],
  unreachable: readonly Problem[],
): string {
  const wrong = problems.map(({ what }) => what).join(", ");
  if (health === "unknown") {
    const why = unreachable.map(({ what }) => what).join("; ");
    return `cannot tell: ${why}${wrong === "" ? "" : `; ${wrong}`}`;
  }
  if ("unreachable" in kubernetes || health === "unhealthy") return `unhealthy: ${wrong}`;
  const { nodes, pods, serviceCount } = kubernetes;
  const ignored = ignoring(kubernetes).length;
  const served =
    ignored === 0
      ? ""
      : `; ${counted(ignored, "object")} ${ignored === 1 ? "asks" : "ask"} for what Weft does not serve`;
  return `healthy: ${counted(nodes.length, "node")}, ${counted(pods.length, "pod")}, ${counted(serviceCount, "Service")}${policiesText(kubernetes)}${namesText(kubernetes.names)}; nothing waits${served}`;
}

function policiesText({ policyCount, leader }: KubernetesView): string {
  const said = leader === "unknown" ? undefined : leader?.policies;
  const count = said ? said.inForce + said.settling : policyCount;
  if (count === 0) return "";
  const state = !said ? "" : said.settling === 0 ? " in force" : ` (${said.settling} on the way)`;
  return `, ${count} ${count === 1 ? "policy" : "policies"}${state}`;
}

const ignoring = ({ unserved }: KubernetesView): KubernetesView["unserved"] =>
  unserved.filter((object) => (object.unserved?.length ?? 0) > 0);

function notServedIn(view: KubernetesView): Report["notServed"] {
  const counts = new Map<string, number>();
  for (const { unserved = [] } of ignoring(view))
    for (const what of unserved) counts.set(what, (counts.get(what) ?? 0) + 1);
  return [...counts].map(([what, objects]) => ({ what, objects })).toSorted((a, b) => b.objects - a.objects);
}

function lagOf({ kubernetes, northbound, southbound }: Snapshot, waiting: readonly WaitingPod[]): Lag {
  const steps = (...wanted: WaitingPod["step"][]): number =>
    waiting.filter((each) => wanted.includes(each.step)).length;
  const known = !("unreachable" in kubernetes || "unreachable" in northbound);
  return {
    kubernetesToNorthbound: known ? steps("address", "northbound") : undefined,
    northboundToSouthbound: "unreachable" in southbound ? undefined : steps("southbound"),
    southboundToNodes: "unreachable" in southbound ? undefined : steps("node", "flows"),
    generations:
      "unreachable" in northbound
        ? undefined
        : { northbound: northbound.nbCfg, southbound: northbound.sbCfg, nodes: northbound.hvCfg },
    probe: "unreachable" in northbound ? undefined : northbound.probe,
  };
}
