// core/v1 ConfigMap, Secret and ServiceAccount: stored and served. The sandbox's runner reads the first two.

import type { Causes } from "../causes.ts";
import { at, listAt, objectAt, sameJson, textAt, textMapAt, without } from "../json.ts";
import { asKubeObject, type KubeObject } from "../objects.ts";
import { ageColumn } from "../tables/age.ts";
import { defineKind, integer, text } from "./kind.ts";

const dataKey = /^[-._a-zA-Z0-9]{1,253}$/;
const core = { group: "", version: "v1", namespaced: true } as const;

const sizeOf = (object: KubeObject, ...fields: readonly string[]): number =>
  fields.reduce((sum, field) => sum + Object.keys(objectAt(object, field)).length, 0);

function checkKeys(object: KubeObject, causes: Causes, ...fields: readonly string[]): void {
  for (const field of fields)
    for (const key of Object.keys(objectAt(object, field)))
      if (!dataKey.test(key))
        causes.invalid(
          `${field}[${key}]`,
          key,
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        );
}

function checkImmutable(object: KubeObject, old: KubeObject, causes: Causes): void {
  if (at(old, "immutable") !== true) return;
  if (at(object, "immutable") !== true)
    causes.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const field of ["data", "binaryData"])
    if (!sameJson(object[field], old[field]))
      causes.forbidden(field, "field is immutable when `immutable` is set");
}

export const configMaps = defineKind({
  ...core,
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  columns: [integer("Data", (map) => sizeOf(map, "data", "binaryData")), ageColumn],
  validate: (map, causes) => {
    checkKeys(map, causes, "data", "binaryData");
    for (const key of Object.keys(objectAt(map, "binaryData")))
      if (at(map, "data", key) !== undefined)
        causes.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
  },
  validateUpdate: checkImmutable,
});

export const secrets = defineKind({
  ...core,
  kind: "Secret",
  plural: "secrets",
  selectableFields: { type: (secret) => textAt(secret, "type") },
  columns: [
    text("Type", (secret) => textAt(secret, "type")),
    integer("Data", (secret) => sizeOf(secret, "data")),
    ageColumn,
  ],
  defaults: (secret) => ({ ...withoutStringData(secret), type: textAt(secret, "type") || "Opaque" }),
  validate: (secret, causes) => checkKeys(secret, causes, "data"),
  validateUpdate: (secret, old, causes) => {
    if (textAt(secret, "type") !== textAt(old, "type"))
      causes.invalid("type", secret["type"], "field is immutable");
    checkImmutable(secret, old, causes);
  },
});

/** stringData is write-only: it goes into data. */
function withoutStringData(secret: KubeObject): KubeObject {
  const written = Object.entries(textMapAt(secret, "stringData"));
  if (written.length === 0) return secret;
  const encoded = written.map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  const data = { ...objectAt(secret, "data"), ...Object.fromEntries(encoded) };
  return asKubeObject({ ...without(secret, "stringData"), data });
}

export const serviceAccounts = defineKind({
  ...core,
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  columns: [integer("Secrets", (account) => listAt(account, "secrets").length), ageColumn],
});
