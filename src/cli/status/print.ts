// The report for people: the answer on the first line, the evidence below, the next command last.

import { counted } from "../../model/counted.ts";
import type { Lag, Report } from "./judge.ts";

/** At most so many policies with faults, and so many objects that are not reached, are named. */
const mostNamed = 10;

export function printed(report: Report): string {
  const sections = [
    [report.sentence],
    table(
      ["NODE", "SUBNETS", "PODS", "PORTS USED", "CHASSIS", "PROBLEM"],
      report.nodes.map((node) => [
        node.name,
        node.subnets.join(",") || "-",
        String(node.pods),
        node.pool ? `${node.pool.used}/${node.pool.ports}` : "-",
        node.chassis || "-",
        node.problem ?? "-",
      ]),
    ),
    table(
      ["POD WAITING", "NODE", "FOR", "WHY"],
      report.waiting.map((pod) => [pod.pod, pod.node, pod.step, pod.why]),
    ),
    table(
      ["POLICY NOT IN FORCE", "KIND", "WAITS FOR"],
      (report.policies?.first ?? []).map(({ policy, kind, waitsFor }) => [policy, kind, waitsFor]),
    ),
    table(
      ["POLICY WITH A FAULT", "KIND", "WHAT OF IT HAS NO EFFECT OR CLOSES"],
      report.malformed.slice(0, mostNamed).map(({ policy, kind, problem }) => [policy, kind, problem]),
    ),
    table(
      ["NOT REACHED FROM OUTSIDE", "KIND", "WHY"],
      report.unreached.slice(0, mostNamed).map(({ object, kind, why }) => [object, kind, why]),
    ),
    [
      ...lagLines(report.lag),
      `leader: ${report.leader ?? "none known"}`,
      ...(report.notServed.length > 0
        ? [`not served: ${report.notServed.map(({ what, objects }) => `${objects} × ${what}`).join(", ")}`]
        : []),
      ...(report.unreached.length > mostNamed
        ? [`not reached from outside: ${counted(report.unreached.length, "object")}; -o json names all`]
        : []),
      ...(report.closedPods > 0
        ? [
            `closed: ${counted(report.closedPods, "pod")} for a security profile that is not for them; kubectl get events -A --field-selector reason=ProfileRefused`,
          ]
        : []),
      ...(report.heldDeletions === undefined ? [] : [`held: ${report.heldDeletions}`]),
      `next: ${report.next}`,
    ],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function lagLines({ generations, probe, ...heldUp }: Lag): readonly string[] {
  const between = [
    `Kubernetes to northbound ${known(heldUp.kubernetesToNorthbound)}`,
    `northbound to southbound ${known(heldUp.northboundToSouthbound)}`,
    `southbound to nodes ${known(heldUp.southboundToNodes)}`,
  ];
  const reached = generations && [
    `northbound ${generations.northbound}`,
    `southbound ${generations.southbound}`,
    `nodes ${generations.nodes}`,
  ];
  const took = probe && [
    `southbound after ${duration(probe.southboundMs)}`,
    `all nodes after ${duration(probe.nodesMs)}`,
  ];
  return [
    `pods held up: ${between.join(", ")}`,
    ...(reached ? [`generation: ${reached.join(", ")}`] : []),
    ...(took ? [`a new generation: ${took.join(", ")}`] : []),
  ];
}

const duration = (ms: number | undefined): string =>
  ms === undefined ? "no answer in time" : `${ms.toFixed(0)} ms`;
const known = (count: number | undefined): string => (count === undefined ? "unknown" : String(count));

/** Nothing when there are no rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
