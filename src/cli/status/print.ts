// The report as people read it: the answer on the first line, the evidence below, the next command last.

import type { Report } from "./judge.ts";

export function printed(report: Report): string {
  return [
    report.sentence,
    "",
    ...table(
      ["NODE", "SUBNETS", "PODS", "CHASSIS", "PROBLEM"],
      report.nodes.map((node) => [
        node.name,
        node.subnets.join(",") || "-",
        String(node.pods),
        node.chassis || "-",
        node.problem ?? "-",
      ]),
    ),
    ...(report.waiting.length > 0
      ? [
          "",
          ...table(
            ["POD WAITING", "NODE", "FOR", "WHY"],
            report.waiting.map((pod) => [pod.pod, pod.node, pod.step, pod.why]),
          ),
        ]
      : []),
    "",
    `pods held up: Kubernetes to northbound ${known(report.lag.kubernetesToNorthbound)}, northbound to southbound ${known(report.lag.northboundToSouthbound)}, southbound to nodes ${known(report.lag.southboundToNodes)}`,
    ...(report.lag.generations
      ? [
          `generation: northbound ${report.lag.generations.northbound}, southbound ${report.lag.generations.southbound}, nodes ${report.lag.generations.nodes}`,
        ]
      : []),
    ...(report.lag.probe
      ? [
          `a new generation: southbound after ${duration(report.lag.probe.southboundMs)}, all nodes after ${duration(report.lag.probe.nodesMs)}`,
        ]
      : []),
    `leader: ${report.leader ?? "none known"}`,
    ...(report.heldDeletions === undefined ? [] : [`held: ${report.heldDeletions}`]),
    `next: ${next(report)}`,
  ].join("\n");
}

const duration = (ms: number | undefined): string =>
  ms === undefined ? "no answer in time" : `${ms.toFixed(0)} ms`;
const known = (count: number | undefined): string => (count === undefined ? "unknown" : String(count));

function next(report: Report): string {
  if (report.heldDeletions !== undefined)
    return "kubectl get nodes,pods,services -A; to let the deletions go, send SIGUSR2 to the leader";
  const [first] = report.waiting;
  if (first) return `kubectl describe pod -n ${first.pod.replace("/", " ")}`;
  const sick = report.nodes.find((node) => node.problem !== undefined);
  return sick ? `kubectl describe node ${sick.name}` : "kubectl get pods -A -o wide";
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
