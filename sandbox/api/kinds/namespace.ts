// core/v1 Namespace. Its deletion waits for the namespace controller, which empties it and removes the specification's
// finalizer through the subresource `finalize`.

import { listAt, objectAt, textAt, withDefaults } from "../json.ts";
import { withMetadata } from "../objects.ts";
import { ageColumn } from "../tables/age.ts";
import { isDnsLabel } from "../validate/names.ts";
import { defineKind, text } from "./kind.ts";

/** A cluster cannot do without them, so they may not be deleted. */
export const immortalNamespaces: readonly string[] = ["default", "kube-system", "kube-public"];

const nameLabel = "kubernetes.io/metadata.name";

export const namespaces = defineKind({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  namespaced: false,
  subresources: ["status", "finalize"],
  nameRule: isDnsLabel,
  selectableFields: { "status.phase": (namespace) => textAt(namespace, "status", "phase") },
  columns: [text("Status", (namespace) => textAt(namespace, "status", "phase")), ageColumn],
  defaults: (namespace) => ({
    ...withMetadata(namespace, {
      labels: { ...namespace.metadata.labels, [nameLabel]: namespace.metadata.name },
    }),
    spec: objectAt(namespace, "spec"),
    status: withDefaults(objectAt(namespace, "status"), { phase: "Active" }),
  }),
  prepareCreate: (namespace) => ({
    ...namespace,
    spec: { finalizers: [...new Set([...listAt(namespace, "spec", "finalizers"), "kubernetes"])] },
    status: { phase: "Active" },
  }),
});
