// networking.k8s.io/v1 NetworkPolicy: served for Weft to read, and validated as far as Weft reads it.

import { at, listAt, objectAt, printed, textAt } from "../json.ts";
import { ageColumn } from "../tables/age.ts";
import { checkOneOf } from "../validate/fields.ts";
import { defineKind, text } from "./kind.ts";

const policyTypes = ["Egress", "Ingress"];

export const networkPolicies = defineKind({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  namespaced: true,
  tracksGeneration: true,
  columns: [
    text("Pod-Selector", (policy) => {
      const labels = Object.entries(objectAt(policy, "spec", "podSelector", "matchLabels"));
      return labels.length === 0 ? "<none>" : labels.map(([key, value]) => `${key}=${printed(value)}`).join();
    }),
    ageColumn,
  ],
  defaults: (policy) => {
    // An absent or null selector is an empty selector: the field is not a pointer in the API's type.
    const spec = { ...objectAt(policy, "spec"), podSelector: objectAt(policy, "spec", "podSelector") };
    if (listAt(spec, "policyTypes").length > 0) return { ...policy, spec };
    const egress = at(spec, "egress") === undefined ? [] : ["Egress"];
    return { ...policy, spec: { ...spec, policyTypes: ["Ingress", ...egress] } };
  },
  validate: (policy, causes) => {
    for (const [index, type] of listAt(policy, "spec", "policyTypes").entries())
      checkOneOf(causes, `spec.policyTypes[${index}]`, type, policyTypes);
    for (const [index, one] of listAt(policy, "spec", "podSelector", "matchExpressions").entries())
      checkOneOf(causes, `spec.podSelector.matchExpressions[${index}].operator`, textAt(one, "operator"), [
        "DoesNotExist",
        "Exists",
        "In",
        "NotIn",
      ]);
  },
});
