// The columns of `kubectl get pods` (k8s.io/kubernetes, pkg/printers/internalversion). STATUS is whichever tells most:
// the pod's reason, its phase or its containers' states.

import { at, type Json, listAt, numberAt, objectAt, textAt } from "../json.ts";
import { type Column, text } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";
import { ageColumn, sinceText } from "./age.ts";

export const podColumns: readonly Column[] = [
  text(
    "Ready",
    (pod) =>
      `${statuses(pod).filter((one) => at(one, "ready") === true).length}/${listAt(pod, "spec", "containers").length}`,
  ),
  text("Status", podReason),
  text("Restarts", restarts),
  ageColumn,
  text("IP", (pod) => textAt(pod, "status", "podIP") || "<none>", 1),
  text("Node", (pod) => textAt(pod, "spec", "nodeName") || "<none>", 1),
  text("Nominated Node", (pod) => textAt(pod, "status", "nominatedNodeName") || "<none>", 1),
  text("Readiness Gates", () => "<none>", 1),
];

const statuses = (pod: KubeObject): readonly Json[] => listAt(pod, "status", "containerStatuses");

function podReason(pod: KubeObject): string {
  if (at(pod, "metadata", "deletionTimestamp") !== undefined) return "Terminating";
  const init = initReason(pod);
  if (init !== "") return init;
  const reasons = statuses(pod).map(containerReason).filter(Boolean);
  const running = statuses(pod).some(
    (one) => at(one, "ready") === true && at(one, "state", "running") !== undefined,
  );
  const phase = textAt(pod, "status", "reason") || textAt(pod, "status", "phase");
  const reason = reasons[0] ?? phase;
  return reason === "Completed" && running ? "Running" : reason;
}

function containerReason(status: Json): string {
  const waiting = textAt(status, "state", "waiting", "reason");
  const terminated = at(status, "state", "terminated");
  if (waiting !== "" || terminated === undefined) return waiting;
  return textAt(terminated, "reason") || `ExitCode:${numberAt(terminated, "exitCode") ?? 0}`;
}

/** `Init:1/2` while init containers run; the reason of the one that fails. */
function initReason(pod: KubeObject): string {
  const all = listAt(pod, "spec", "initContainers").length;
  const list = listAt(pod, "status", "initContainerStatuses");
  const done = list.filter((one) => numberAt(one, "state", "terminated", "exitCode") === 0).length;
  if (list.length === 0 || done === all) return "";
  const reason = containerReason(list[done] ?? {});
  return reason === "" || reason === "PodInitializing" ? `Init:${done}/${all}` : `Init:${reason}`;
}

function restarts(pod: KubeObject, now: number): string {
  const count = statuses(pod).reduce<number>((sum, one) => sum + (numberAt(one, "restartCount") ?? 0), 0);
  const last = statuses(pod)
    .map((one) => textAt(objectAt(one, "lastState", "terminated"), "finishedAt"))
    .sort()
    .at(-1);
  return count === 0 || !last ? String(count) : `${count} (${sinceText(last, now)} ago)`;
}
