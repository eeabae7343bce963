// apps/v1 Deployment and ReplicaSet, and what other workloads share with them.

import type { Causes } from "../causes.ts";
import {
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  sameJson,
  textAt,
  textMapAt,
  withDefaults,
} from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { ageColumn } from "../tables/age.ts";
import { labelsText } from "../tables/service.ts";
import { checkNotNegative, checkOneOf, checkWorkloadSelector } from "../validate/fields.ts";
import { type Column, defineKind, integer, text } from "./kind.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { checkPodSpec } from "./pod-validation.ts";

export const apps = {
  group: "apps",
  version: "v1",
  categories: ["all"],
  namespaced: true,
  tracksGeneration: true,
} as const;

const containers = (object: KubeObject, field: string): string =>
  listAt(object, "spec", "template", "spec", "containers")
    .map((container) => textAt(container, field))
    .join(",");

export const templateColumns: readonly Column[] = [
  text("Containers", (object) => containers(object, "name"), 1),
  text("Images", (object) => containers(object, "image"), 1),
  text("Selector", (object) => labelsText(textMapAt(object, "spec", "selector", "matchLabels")), 1),
];

export const count = (object: KubeObject, ...path: readonly string[]): number =>
  numberAt(object, ...path) ?? 0;

export const deployments = defineKind({
  ...apps,
  kind: "Deployment",
  plural: "deployments",
  shortNames: ["deploy"],
  subresources: ["status", "scale"],
  columns: [
    text("Ready", (one) => `${count(one, "status", "readyReplicas")}/${count(one, "spec", "replicas")}`),
    integer("Up-to-date", (one) => count(one, "status", "updatedReplicas")),
    integer("Available", (one) => count(one, "status", "availableReplicas")),
    ageColumn,
    ...templateColumns,
  ],
  defaults: (deployment) =>
    withWorkload(deployment, {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: defaultStrategy(objectAt(deployment, "spec", "strategy")),
    }),
  prepareCreate: (deployment) => ({ ...deployment, status: {} }),
  validate: (deployment, causes) => {
    checkWorkload(deployment, causes);
    checkOneOf(causes, "spec.strategy.type", objectAt(deployment, "spec", "strategy")["type"], [
      "Recreate",
      "RollingUpdate",
    ]);
  },
  validateUpdate: checkSelectorStays,
});

export const replicaSets = defineKind({
  ...apps,
  kind: "ReplicaSet",
  plural: "replicasets",
  shortNames: ["rs"],
  subresources: ["status", "scale"],
  columns: [
    integer("Desired", (one) => count(one, "spec", "replicas")),
    integer("Current", (one) => count(one, "status", "replicas")),
    integer("Ready", (one) => count(one, "status", "readyReplicas")),
    ageColumn,
    ...templateColumns,
  ],
  defaults: (replicaSet) => withWorkload(replicaSet, { replicas: 1 }),
  prepareCreate: (replicaSet) => ({ ...replicaSet, status: { replicas: 0 } }),
  validate: checkWorkload,
  validateUpdate: checkSelectorStays,
});

export function withWorkload(object: KubeObject, defaults: JsonObject): KubeObject {
  const { strategy, ...others } = defaults;
  const spec = withDefaults(objectAt(object, "spec"), others);
  const template = objectAt(spec, "template");
  return {
    ...object,
    spec: {
      ...spec,
      template: { ...template, spec: defaultPodSpec(objectAt(template, "spec")) },
      ...(strategy !== undefined && { strategy }),
    },
    status: objectAt(object, "status"),
  };
}

function defaultStrategy(strategy: JsonObject): JsonObject {
  if ((textAt(strategy, "type") || "RollingUpdate") !== "RollingUpdate") return strategy;
  const limits = withDefaults(objectAt(strategy, "rollingUpdate"), {
    maxSurge: "25%",
    maxUnavailable: "25%",
  });
  return { type: "RollingUpdate", rollingUpdate: limits };
}

export function checkWorkload(object: KubeObject, causes: Causes): void {
  const spec = objectAt(object, "spec");
  checkNotNegative(causes, "spec.replicas", spec["replicas"]);
  checkWorkloadSelector(causes, spec);
  checkPodSpec(objectAt(spec, "template")["spec"], "spec.template.spec", causes);
  const policy = textAt(spec, "template", "spec", "restartPolicy");
  if (policy !== "Always") causes.notSupported("spec.template.spec.restartPolicy", policy, ["Always"]);
}

export function checkSelectorStays(object: KubeObject, old: KubeObject, causes: Causes): void {
  const selector = objectAt(object, "spec")["selector"];
  if (!sameJson(selector, objectAt(old, "spec")["selector"]))
    causes.invalid("spec.selector", selector, "field is immutable");
}
