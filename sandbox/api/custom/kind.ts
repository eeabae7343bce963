// Turns a CustomResourceDefinition into a kind that the server can serve. Of several versions it serves the stored one.

import { isObject, type Json, type JsonObject, listAt, objectAt, printed, textAt, without } from "../json.ts";
import { type Column, defineKind, type Kind, type Subresource } from "../kinds/kind.ts";
import { asKubeObject, type KubeObject } from "../objects.ts";
import { type Decoded, decodeObject } from "../schema/decode.ts";
import { schema as apiTypes } from "../schema/schema.ts";
import { sinceText } from "../tables/age.ts";
import { checkSchema } from "./check.ts";
import { atJsonPath } from "./json-path.ts";
import { pruned, withSchemaDefaults } from "./schema.ts";

/** Undefined when the stored version is not served. */
export function customKind(definition: KubeObject): Kind | undefined {
  const spec = objectAt(definition, "spec");
  const names = objectAt(spec, "names");
  const version = listAt(spec, "versions").find((one) => objectAt(one)["storage"] === true);
  if (objectAt(version)["served"] !== true) return undefined;
  const schema = objectAt(version, "schema", "openAPIV3Schema");
  const subresources: Subresource[] = isObject(objectAt(version, "subresources")["status"]) ? ["status"] : [];
  return defineKind({
    group: textAt(spec, "group"),
    version: textAt(version, "name"),
    kind: textAt(names, "kind"),
    plural: textAt(names, "plural"),
    singular: textAt(names, "singular"),
    shortNames: listAt(names, "shortNames").map(printed),
    categories: listAt(names, "categories").map(printed),
    namespaced: textAt(spec, "scope") === "Namespaced",
    subresources,
    tracksGeneration: true,
    type: undefined,
    openApi: schema,
    decode: (body) => decoded(body, schema),
    columns: listAt(version, "additionalPrinterColumns").map(columnOf),
    selectableFields: Object.fromEntries(
      listAt(version, "selectableFields")
        .map((field) => textAt(field, "jsonPath"))
        .map((path) => [path.replace(/^\./, ""), (object) => shown(atJsonPath(object, path))]),
    ),
    defaults: (object) => asKubeObject(objectAt(withSchemaDefaults(object, schema))),
    prepareCreate: (object) => (subresources.length > 0 ? asKubeObject(without(object, "status")) : object),
    validate: (object, causes) =>
      checkSchema(without(object, "apiVersion", "kind", "metadata"), schema, "", causes),
  });
}

/** Metadata is checked like that of every kind, the rest by the schema. */
function decoded(body: JsonObject, schema: JsonObject): Decoded {
  const meta = apiTypes.get("ObjectOfAnyKind");
  if (!meta) throw new Error("the schema has no ObjectOfAnyKind");
  const { metadata, ...others } = body;
  const head = decodeObject({ ...(metadata !== undefined && { metadata }) }, meta);
  const rest = pruned(others, schema);
  return {
    object: { ...objectAt(rest.value), metadata: objectAt(head.object, "metadata") },
    unknown: [...head.unknown, ...rest.unknown],
  };
}

const shown = (value: Json | undefined): string => (value === undefined ? "" : printed(value));

function columnOf(description: Json): Column {
  const path = textAt(description, "jsonPath");
  const type = textAt(description, "type");
  return {
    name: textAt(description, "name"),
    type: type === "integer" || type === "number" ? "integer" : "string",
    priority:
      objectAt(description)["priority"] === undefined || objectAt(description)["priority"] === 0 ? 0 : 1,
    cell: (object, now) => {
      const value = atJsonPath(object, path);
      if (type === "date") return value === undefined ? "<unknown>" : sinceText(printed(value), now);
      if (value === undefined) return "";
      return typeof value === "number" || typeof value === "boolean" ? value : printed(value);
    },
  };
}
