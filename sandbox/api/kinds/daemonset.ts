// apps/v1 DaemonSet.

import { objectAt, textAt, textMapAt, withDefaults } from "../json.ts";
import { ageColumn } from "../tables/age.ts";
import { labelsText } from "../tables/service.ts";
import { checkOneOf } from "../validate/fields.ts";
import { defineKind, integer, text } from "./kind.ts";
import { apps, checkSelectorStays, checkWorkload, count, templateColumns, withWorkload } from "./workload.ts";

export const daemonSets = defineKind({
  ...apps,
  kind: "DaemonSet",
  plural: "daemonsets",
  shortNames: ["ds"],
  subresources: ["status"],
  columns: [
    integer("Desired", (one) => count(one, "status", "desiredNumberScheduled")),
    integer("Current", (one) => count(one, "status", "currentNumberScheduled")),
    integer("Ready", (one) => count(one, "status", "numberReady")),
    integer("Up-to-date", (one) => count(one, "status", "updatedNumberScheduled")),
    integer("Available", (one) => count(one, "status", "numberAvailable")),
    text("Node Selector", (one) => labelsText(textMapAt(one, "spec", "template", "spec", "nodeSelector"))),
    ageColumn,
    ...templateColumns,
  ],
  defaults: (set) => {
    const filled = withWorkload(set, { revisionHistoryLimit: 10 });
    const strategy = withDefaults(objectAt(set, "spec", "updateStrategy"), { type: "RollingUpdate" });
    const limits = withDefaults(objectAt(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
    const rolling = textAt(strategy, "type") === "RollingUpdate";
    const updateStrategy = rolling ? { ...strategy, rollingUpdate: limits } : strategy;
    return { ...filled, spec: { ...objectAt(filled, "spec"), updateStrategy } };
  },
  prepareCreate: (set) => ({
    ...set,
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
  validate: (set, causes) => {
    checkWorkload(set, causes);
    checkOneOf(causes, "spec.updateStrategy.type", objectAt(set, "spec", "updateStrategy")["type"], [
      "OnDelete",
      "RollingUpdate",
    ]);
  },
  validateUpdate: checkSelectorStays,
});
