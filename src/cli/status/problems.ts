// What is wrong with the cluster, the worst first, and for each the command that helps.

import type { Part } from "../../controller/health.ts";
import { counted } from "../../model/counted.ts";
import { controllersLease } from "../../model/names.ts";
import type { NodeReport } from "./nodes.ts";
import type { Leader, Snapshot } from "./snapshot.ts";
import type { WaitingPod } from "./waiting.ts";

export interface Problem {
  readonly what: string;
  readonly next: string;
}

/** What keeps the command from telling how the cluster is. */
export function obstacles(snapshot: Snapshot): Problem[] {
  const { kubernetes, northbound, southbound } = snapshot;
  const refused = "unreachable" in kubernetes ? [] : kubernetes.refused;
  const away = Object.entries({ kubernetes, northbound, southbound }).flatMap(([name, view]) =>
    "unreachable" in view
      ? [{ what: `${name}: ${view.unreachable}`, next: helpFor(name, view.unreachable) }]
      : [],
  );
  return [
    ...wrongCluster(snapshot),
    ...away,
    ...refused.map((what) => ({ what: `kubernetes: ${what}`, next: "kubectl auth can-i --list -A" })),
  ];
}

function helpFor(source: string, reason: string): string {
  if (/EACCES|permission/i.test(reason))
    return "the same as root, or with --northbound and --southbound tcp:HOST:PORT";
  if (reason.includes("kubeconfig")) return "weft status --kubeconfig FILE";
  if (source === "kubernetes")
    return "kubectl get --raw /readyz; --kubeconfig FILE says which API server is asked";
  return "weft status --help, for the options that name the server that cannot be reached";
}

/** The database has rows of other clusters, but never had any of this one. */
function wrongCluster({ cluster, kubernetes, northbound }: Snapshot): Problem[] {
  if ("unreachable" in northbound || northbound.clusters.size === 0 || northbound.clusters.has(cluster))
    return [];
  if (!("unreachable" in kubernetes) && kubernetes.leader !== undefined && kubernetes.leader !== "unknown")
    return [];
  const others = [...northbound.clusters].toSorted();
  return [
    {
      what: `there is no cluster ${cluster} in this northbound database, only ${others.join(", ")}`,
      next: `weft status --cluster ${others[0]}`,
    },
  ];
}

export interface Findings {
  readonly nodes: readonly NodeReport[];
  readonly waiting: readonly WaitingPod[];
}

/** What does not work in the cluster, as far as can be told. */
export function problemsOf(snapshot: Snapshot, { nodes, waiting }: Findings): Problem[] {
  const { kubernetes } = snapshot;
  const leader = "unreachable" in kubernetes ? "unknown" : kubernetes.leader;
  const known = leader === "unknown" ? undefined : leader;
  return [
    ...(leader === "unknown" ? [] : leaderless(snapshot, leader)),
    ...troubles(known, nodes),
    ...northdUnwatched(snapshot, leader),
    ...sickNodes(nodes),
    ...(known && known.heldDeletions !== ""
      ? [
          {
            what: "the controller holds deletions back",
            next: "kubectl get nodes,pods,services -A; to let the deletions go, send SIGUSR2 to the leader",
          },
        ]
      : []),
    ...waitingPods(waiting),
    ...latePolicies(known),
  ];
}

function leaderless({ cluster, leaseNamespace }: Snapshot, leader: Leader | undefined): Problem[] {
  if (leader && !leader.silent) return [];
  return [
    {
      what: leader ? `no controller leads (${leader.holder} is silent)` : "no controller leads",
      next: `kubectl get lease -n ${leaseNamespace} ${controllersLease(cluster)} -o yaml; then start \`weft controller\`, or read its log`,
    },
  ];
}

const partHelp: Readonly<Record<Part, string>> = {
  api: "kubectl auth can-i --list -A, as the user that the controller is",
  southbound: "where OVN's databases run: ovn-sbctl show",
  northd: "where OVN's databases run: ovn-appctl -t ovn-northd status; start ovn-northd if that fails",
  agents: "kubectl get pods -A -o wide, for the agents of these nodes",
  ranges: "in the cloud: give that network another range",
};

function troubles(leader: Leader | undefined, nodes: readonly NodeReport[]): Problem[] {
  if (!leader || leader.silent) return [];
  return [...leader.troubles].flatMap(([part, what]) =>
    // A dead agent is told with its node, unless so many are silent that the Nodes are left alone.
    part === "agents" && nodes.some(({ problem }) => problem !== undefined)
      ? []
      : [{ what, next: partHelp[part] }],
  );
}

/** Without a leader nobody else says so. */
function northdUnwatched({ northbound }: Snapshot, leader: Leader | undefined | "unknown"): Problem[] {
  if ("unreachable" in northbound || (leader && leader !== "unknown" && !leader.silent)) return [];
  const { nbCfg, sbCfg } = northbound;
  if (sbCfg >= nbCfg) return [];
  return [{ what: `ovn-northd is behind: generation ${sbCfg} of ${nbCfg}`, next: partHelp.northd }];
}

function sickNodes(nodes: readonly NodeReport[]): Problem[] {
  const sick = nodes.flatMap((node) => (node.rank === undefined ? [] : [{ ...node, rank: node.rank }]));
  const [worst] = sick.toSorted((a, b) => a.rank - b.rank);
  if (!worst) return [];
  const which = `${worst.name}: ${worst.problem}`;
  return [
    {
      what: `${counted(sick.length, "node")} with a problem (${sick.length > 1 ? "the worst, " : ""}${which})`,
      next: worst.next ?? "",
    },
  ];
}

function waitingPods(waiting: readonly WaitingPod[]): Problem[] {
  const [first] = waiting;
  if (!first) return [];
  return [
    {
      what: `${counted(waiting.length, "pod")} waiting for the network`,
      next: `kubectl describe pod -n ${first.pod.replace("/", " ")}`,
    },
  ];
}

function latePolicies(leader: Leader | undefined): Problem[] {
  const { late = 0, first: [worst] = [] } = leader?.policies ?? {};
  if (!leader || leader.silent || late === 0 || !worst) return [];
  const { kind, policy, waitsFor } = worst;
  const [namespace, name] = policy.split("/");
  const where = name === undefined ? namespace : `-n ${namespace} ${name}`;
  return [
    {
      what: `${late === 1 ? "1 policy" : `${late} policies`} not in force (${policy} waits for ${waitsFor})`,
      next: `kubectl describe ${kind.toLowerCase()} ${where}`,
    },
  ];
}
