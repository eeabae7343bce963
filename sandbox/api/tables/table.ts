// meta.k8s.io/v1 Table: what kubectl prints without `-o`. Made here, because a kind's columns are the server's choice.

import type { Json, JsonObject } from "../json.ts";
import type { Column, Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";
import { ageColumn } from "./age.ts";

/** How much of each object a row carries; the client's query parameter includeObject. */
export type IncludeObject = "None" | "Metadata" | "Object";

export const includeObjectOf = (query: URLSearchParams): IncludeObject => {
  const asked = query.get("includeObject");
  return asked === "None" || asked === "Object" ? asked : "Metadata";
};

const columnsOf = (kind: Kind): readonly Column[] => (kind.columns.length > 0 ? kind.columns : [ageColumn]);

export function columnDefinitions(kind: Kind): readonly JsonObject[] {
  const name = { name: "Name", type: "string", format: "name", description: "", priority: 0 };
  const others = columnsOf(kind).map((column) => ({
    name: column.name,
    type: column.type,
    format: "",
    description: "",
    priority: column.priority,
  }));
  // Events are told apart by their content, so kubectl shows their name last and only on demand.
  return kind.kind === "Event" ? others : [name, ...others];
}

export function tableRow(kind: Kind, object: KubeObject, now: number, include: IncludeObject): JsonObject {
  const cells: Json[] = columnsOf(kind).map((column) => column.cell(object, now));
  return {
    cells: kind.kind === "Event" ? cells : [object.metadata.name, ...cells],
    ...(include === "Object" && { object }),
    ...(include === "Metadata" && {
      object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
    }),
  };
}

export const tableOf = (
  columns: readonly JsonObject[],
  rows: readonly JsonObject[],
  metadata: JsonObject,
): JsonObject => ({
  kind: "Table",
  apiVersion: "meta.k8s.io/v1",
  metadata,
  columnDefinitions: columns,
  rows,
});
