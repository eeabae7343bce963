// The columns of `kubectl get nodes`.

import { at, listAt, objectAt, textAt } from "../json.ts";
import { type Column, text } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";
import { ageColumn } from "./age.ts";

const rolePrefix = "node-role.kubernetes.io/";

export const nodeColumns: readonly Column[] = [
  text("Status", nodeStatus),
  text("Roles", (node) => {
    const labels = Object.keys(objectAt(node, "metadata", "labels"));
    const roles = labels
      .filter((label) => label.startsWith(rolePrefix))
      .map((label) => label.slice(rolePrefix.length));
    return roles.sort().join(",") || "<none>";
  }),
  ageColumn,
  text("Version", (node) => info(node, "kubeletVersion")),
  text("Internal-IP", (node) => addressOf(node, "InternalIP"), 1),
  text("External-IP", (node) => addressOf(node, "ExternalIP"), 1),
  text("OS-Image", (node) => info(node, "osImage"), 1),
  text("Kernel-Version", (node) => info(node, "kernelVersion"), 1),
  text("Container-Runtime", (node) => info(node, "containerRuntimeVersion"), 1),
];

const info = (node: KubeObject, field: string): string =>
  textAt(node, "status", "nodeInfo", field) || "<unknown>";

const addressOf = (node: KubeObject, type: string): string =>
  textAt(
    listAt(node, "status", "addresses").find((address) => textAt(address, "type") === type),
    "address",
  ) || "<none>";

function nodeStatus(node: KubeObject): string {
  const ready = listAt(node, "status", "conditions").find(
    (condition) => textAt(condition, "type") === "Ready",
  );
  const states: Readonly<Record<string, string>> = { True: "Ready", False: "NotReady" };
  const state = ready === undefined ? "Unknown" : (states[textAt(ready, "status")] ?? "NotReady");
  return at(node, "spec", "unschedulable") === true ? `${state},SchedulingDisabled` : state;
}
