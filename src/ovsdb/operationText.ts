// An operation as one line of text, for people, error messages and golden files.

import { columnValueText } from "./columnValue.ts";
import { conditionText } from "./condition.ts";
import type { ColumnEntries, Operation } from "./operation.ts";

export function operationText(operation: Operation): string {
  switch (operation.kind) {
    case "comment":
      return `comment ${JSON.stringify(operation.text)}`;
    case "assert":
      return `assert ${JSON.stringify(operation.lock)}`;
    case "abort":
    case "durable":
      return operation.kind;
    case "insert":
    case "update":
      return [operation.kind, rowsText(operation), ...entryTexts(operation.columns)].join(" ");
    case "select":
      return ["select", rowsText(operation), ...(operation.columns ?? [])].join(" ");
    case "wait":
      return waitText(operation);
    case "delete":
      return `delete ${rowsText(operation)}`;
    case "mutateSet":
      return `mutate ${rowsText(operation)} ${operation.column} ${operation.how === "insert" ? "+=" : "-="} ${columnValueText(operation.values)}`;
    case "mutateNumber":
      return `mutate ${rowsText(operation)} ${operation.column} ${operation.how} ${operation.value}`;
    case "mutateMap": {
      const { insert, delete: gone } = operation.mutation;
      const deletes = gone && ("size" in gone ? gone.size : gone.length) > 0;
      const changes = [
        ...(deletes ? [`-= ${columnValueText(gone)}`] : []),
        ...(insert?.size ? [`+= ${columnValueText(insert)}`] : []),
      ];
      return ["mutate", rowsText(operation), operation.column, ...changes].join(" ");
    }
  }
}

/** The table and the row: `Logical_Switch <uuid>`, `Address_Set (new)`, `ACL [priority >= 100]`. */
export function rowsText(operation: Extract<Operation, { readonly table: string }>): string {
  if (operation.uuid !== undefined) return `${operation.table} ${operation.uuid}`;
  if (operation.kind === "insert") return `${operation.table} (new)`;
  return `${operation.table} [${(operation.where ?? []).map(conditionText).join(", ")}]`;
}

/** A plain fence, where one row must be exactly as given, reads like an update. */
function waitText(wait: Extract<Operation, { kind: "wait" }>): string {
  const [row, ...others] = wait.rows;
  if (wait.uuid !== undefined && wait.until === "==" && wait.timeoutMs === 0 && row && others.length === 0)
    return ["wait", rowsText(wait), ...entryTexts(row)].join(" ");
  const limit = wait.timeoutMs === undefined ? "for ever" : `${wait.timeoutMs} ms`;
  const rows = wait.rows.map((entries) => `{${entryTexts(entries).join(" ")}}`);
  return `wait ${rowsText(wait)} (${wait.columns.join(" ")}) ${wait.until} [${rows.join(" ")}] ${limit}`;
}

const entryTexts = (columns: ColumnEntries): string[] =>
  columns.map(([name, value]) => `${name}=${columnValueText(value)}`);
