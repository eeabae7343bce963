// core/v1 Pod.

import { at, listAt, objectAt, textAt } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { podColumns } from "../tables/pod.ts";
import { defineKind } from "./kind.ts";
import { defaultPodSpec, defaultPodStatus, qosClassOf } from "./pod-defaults.ts";
import { checkPod, checkPodUpdate } from "./pod-validation.ts";

export const pods = defineKind({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  subresources: [
    "status",
    "log",
    "exec",
    "attach",
    "portforward",
    "binding",
    "eviction",
    "ephemeralcontainers",
  ],
  selectableFields: {
    "spec.nodeName": (pod) => textAt(pod, "spec", "nodeName"),
    "spec.restartPolicy": (pod) => textAt(pod, "spec", "restartPolicy"),
    "spec.schedulerName": (pod) => textAt(pod, "spec", "schedulerName"),
    "spec.serviceAccountName": (pod) => textAt(pod, "spec", "serviceAccountName"),
    "spec.hostNetwork": (pod) => String(at(pod, "spec", "hostNetwork") === true),
    "status.phase": (pod) => textAt(pod, "status", "phase"),
    "status.podIP": (pod) => textAt(pod, "status", "podIP"),
    "status.nominatedNodeName": (pod) => textAt(pod, "status", "nominatedNodeName"),
  },
  columns: podColumns,
  defaults: (pod) => ({
    ...pod,
    spec: defaultPodSpec(objectAt(pod, "spec")),
    status: defaultPodStatus(objectAt(pod, "status")),
  }),
  prepareCreate: (pod) => ({
    ...pod,
    status: { phase: "Pending", qosClass: qosClassOf(objectAt(pod, "spec")) },
  }),
  validate: checkPod,
  validateUpdate: checkPodUpdate,
});

/** The pod on its node: what a scheduler's binding does. */
export function boundTo(pod: KubeObject, node: string, now: string): KubeObject {
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: now };
  const others = listAt(pod, "status", "conditions").filter((one) => textAt(one, "type") !== "PodScheduled");
  return {
    ...pod,
    spec: { ...objectAt(pod, "spec"), nodeName: node },
    status: { ...objectAt(pod, "status"), conditions: [...others, scheduled] },
  };
}
