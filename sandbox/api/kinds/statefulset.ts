// apps/v1 StatefulSet, without volume claims.

import { objectAt, sameJson, textAt, withDefaults, without } from "../json.ts";
import { ageColumn } from "../tables/age.ts";
import { checkOneOf } from "../validate/fields.ts";
import { defineKind, text } from "./kind.ts";
import { apps, checkWorkload, count, templateColumns, withWorkload } from "./workload.ts";

const changeable = [
  "replicas",
  "template",
  "updateStrategy",
  "minReadySeconds",
  "revisionHistoryLimit",
  "ordinals",
];

export const statefulSets = defineKind({
  ...apps,
  kind: "StatefulSet",
  plural: "statefulsets",
  shortNames: ["sts"],
  subresources: ["status", "scale"],
  columns: [
    text("Ready", (one) => `${count(one, "status", "readyReplicas")}/${count(one, "spec", "replicas")}`),
    ageColumn,
    ...templateColumns.filter(({ name }) => name !== "Selector"),
  ],
  defaults: (set) => {
    const filled = withWorkload(set, {
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      revisionHistoryLimit: 10,
    });
    const strategy = withDefaults(objectAt(set, "spec", "updateStrategy"), { type: "RollingUpdate" });
    const rolling = textAt(strategy, "type") === "RollingUpdate";
    const updateStrategy = rolling ? withDefaults(strategy, { rollingUpdate: { partition: 0 } }) : strategy;
    return { ...filled, spec: { ...objectAt(filled, "spec"), updateStrategy } };
  },
  prepareCreate: (set) => ({ ...set, status: { replicas: 0, availableReplicas: 0 } }),
  validate: (set, causes) => {
    checkWorkload(set, causes);
    const spec = objectAt(set, "spec");
    checkOneOf(causes, "spec.podManagementPolicy", spec["podManagementPolicy"], ["OrderedReady", "Parallel"]);
    checkOneOf(causes, "spec.updateStrategy.type", objectAt(spec, "updateStrategy")["type"], [
      "OnDelete",
      "RollingUpdate",
    ]);
  },
  validateUpdate: (set, old, causes) => {
    if (
      !sameJson(without(objectAt(set, "spec"), ...changeable), without(objectAt(old, "spec"), ...changeable))
    )
      causes.forbidden(
        "spec",
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit' and 'minReadySeconds' are forbidden",
      );
  },
});
