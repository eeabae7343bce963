// coordination.k8s.io/v1 Lease.

import { at, textAt } from "../json.ts";
import { ageColumn } from "../tables/age.ts";
import { checkNotNegative, checkPositive } from "../validate/fields.ts";
import { defineKind, text } from "./kind.ts";

export const leases = defineKind({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  columns: [text("Holder", (lease) => textAt(lease, "spec", "holderIdentity")), ageColumn],
  validate: (lease, causes) => {
    checkPositive(causes, "spec.leaseDurationSeconds", at(lease, "spec", "leaseDurationSeconds"));
    checkNotNegative(causes, "spec.leaseTransitions", at(lease, "spec", "leaseTransitions"));
  },
});
