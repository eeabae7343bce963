// apiextensions.k8s.io/v1 CustomResourceDefinition. custom/ makes a kind of each stored one.

import type { Causes } from "../causes.ts";
import { structuralFaults } from "../custom/schema.ts";
import { type Json, type JsonObject, listAt, objectAt, textAt, withDefaults } from "../json.ts";
import { type KubeObject, withMetadata } from "../objects.ts";
import { checkOneOf, checkText } from "../validate/fields.ts";
import { isDns1035Label, isDnsSubdomain } from "../validate/names.ts";
import { defineKind, text } from "./kind.ts";

/** Held by a definition until its objects are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export const customResourceDefinitions = defineKind({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  subresources: ["status"],
  tracksGeneration: true,
  columns: [text("Created At", (definition) => definition.metadata.creationTimestamp)],
  defaults: (definition) => ({
    ...definition,
    spec: defaultSpec(objectAt(definition, "spec")),
    status: objectAt(definition, "status"),
  }),
  prepareCreate: (definition) => ({
    ...withMetadata(definition, {
      finalizers: [...new Set([...(definition.metadata.finalizers ?? []), cleanupFinalizer])],
    }),
    status: {},
  }),
  validate: checkDefinition,
  validateUpdate: (definition, old, causes) => {
    for (const path of [["scope"], ["group"], ["names", "kind"], ["names", "plural"]])
      if (textAt(definition, "spec", ...path) !== textAt(old, "spec", ...path))
        causes.invalid(`spec.${path.join(".")}`, textAt(definition, "spec", ...path), "field is immutable");
  },
});

function defaultSpec(spec: JsonObject): JsonObject {
  const names = objectAt(spec, "names");
  const kind = textAt(names, "kind");
  return {
    ...withDefaults(spec, { conversion: { strategy: "None" } }),
    names: withDefaults(names, { singular: kind.toLowerCase(), listKind: `${kind}List` }),
  };
}

function checkDefinition({ metadata, spec }: KubeObject, causes: Causes): void {
  const group = textAt(spec, "group");
  const plural = textAt(spec, "names", "plural");
  if (metadata.name !== `${plural}.${group}`)
    causes.invalid("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group');
  if (group === "") causes.required("spec.group");
  else checkText(causes, "spec.group", group, isDnsSubdomain);
  if (group !== "" && !group.includes("."))
    causes.invalid("spec.group", group, "should be a domain with at least one dot");
  for (const name of ["plural", "singular", "kind"] as const) {
    const value = textAt(spec, "names", name);
    if (value === "") causes.required(`spec.names.${name}`);
    else checkText(causes, `spec.names.${name}`, value.toLowerCase(), isDns1035Label);
  }
  if (textAt(spec, "scope") === "") causes.required("spec.scope");
  else checkOneOf(causes, "spec.scope", textAt(spec, "scope"), ["Cluster", "Namespaced"]);
  const versions = listAt(spec, "versions");
  if (versions.filter((one) => objectAt(one)["storage"] === true).length !== 1)
    causes.invalid("spec.versions", [...versions], "must have exactly one version marked as storage version");
  for (const [index, version] of versions.entries()) {
    const field = `spec.versions[${index}]`;
    // Kubernetes keeps the schema of a lone version at the top, and calls it so.
    checkVersion(version, field, versions.length === 1 ? "spec.validation" : `${field}.schema`, causes);
  }
}

function checkVersion(version: Json, field: string, schemaField: string, causes: Causes): void {
  checkText(causes, `${field}.name`, textAt(version, "name"), isDns1035Label);
  const schema = objectAt(version, "schema")["openAPIV3Schema"];
  const place = `${schemaField}.openAPIV3Schema`;
  if (schema === undefined) return causes.required(place, "schemas are required");
  if (textAt(schema, "type") !== "object")
    causes.invalid(`${place}.type`, textAt(schema, "type"), "must be object at the root");
  else for (const [where, why] of structuralFaults(schema, place)) causes.required(where, why);
}
