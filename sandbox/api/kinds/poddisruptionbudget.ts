// policy/v1 PodDisruptionBudget: verbs/evict.ts consults it, and a controller keeps its counts.

import { at, objectAt, printed, textAt, withDefaults } from "../json.ts";
import { ageColumn } from "../tables/age.ts";
import { checkNotNegative, checkOneOf } from "../validate/fields.ts";
import { defineKind, integer, text } from "./kind.ts";

const bound = (name: "minAvailable" | "maxUnavailable") =>
  text(name === "minAvailable" ? "Min Available" : "Max Unavailable", (budget) => {
    const value = at(budget, "spec", name);
    return value === undefined ? "N/A" : printed(value);
  });

export const podDisruptionBudgets = defineKind({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  namespaced: true,
  tracksGeneration: true,
  subresources: ["status"],
  columns: [
    bound("minAvailable"),
    bound("maxUnavailable"),
    integer("Allowed Disruptions", (budget) => at(budget, "status", "disruptionsAllowed") ?? 0),
    ageColumn,
  ],
  defaults: (budget) => ({
    ...budget,
    spec: objectAt(budget, "spec"),
    status: withDefaults(objectAt(budget, "status"), {
      currentHealthy: 0,
      desiredHealthy: 0,
      disruptionsAllowed: 0,
      expectedPods: 0,
    }),
  }),
  prepareCreate: (budget) => ({ ...budget, status: {} }),
  validate: (budget, causes) => {
    const spec = objectAt(budget, "spec");
    if (spec["minAvailable"] !== undefined && spec["maxUnavailable"] !== undefined)
      causes.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
    for (const name of ["minAvailable", "maxUnavailable"]) {
      checkNotNegative(causes, `spec.${name}`, spec[name]);
      const value = textAt(spec, name);
      if (value !== "" && !/^(\d{1,2}|100)%$/.test(value))
        causes.invalid(
          `spec.${name}`,
          value,
          "a valid percent string must be a numeric string followed by an ending '%'",
        );
    }
    checkOneOf(causes, "spec.unhealthyPodEvictionPolicy", spec["unhealthyPodEvictionPolicy"], [
      "AlwaysAllow",
      "IfHealthyBudget",
    ]);
  },
});
