// A transaction on its way out and back: what is sent of it to this server, and whether each operation did what it
// stands for. A reply has a result per operation, null after the first that failed, and one more result if all
// operations succeeded and the commit did not (RFC 7047, section 4.1.3).

import { isUuid } from "./codec.ts";
import type { Row } from "./database.ts";
import { isOvsdbError, OvsdbError, serverError } from "./errors.ts";
import { exactText } from "./exactJson.ts";
import { type Guard, guardIndex } from "./guard.ts";
import { encodeOperation, type Operation } from "./operation.ts";
import { rowsText } from "./operationText.ts";
import { RowDecoder } from "./rowDecoder.ts";
import type { DatabaseSchema } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

/** What one operation did. */
export interface OperationResult {
  /** The row of an insert. */
  readonly uuid?: string;
  /** Of update, delete and mutate: how many rows matched. */
  readonly count?: number;
  /** The rows of a select. */
  readonly rows?: readonly Row[];
}

export interface TransactionResult {
  /**
   * In the order in which the operations were added. Empty for an operation that was not sent because the server
   * lacks its column.
   */
  readonly operations: readonly OperationResult[];
  /** The answer was lost, but a marker has shown that the transaction was committed. The results are unknown. */
  readonly recovered?: true;
}

export interface Sent {
  readonly operation: Operation;
  readonly index: number;
  /** Its JSON. */
  readonly text: string;
  /** Reads the rows of a select. */
  readonly decoder: RowDecoder | undefined;
}

/** The operations to send to a server that has the schema `server`, encoded step by step. */
export function* encodeTransaction<T>(
  transaction: Transaction<T>,
  server: DatabaseSchema,
  guard?: Guard,
): Generator<void, readonly Sent[]> {
  const sent: Sent[] = [];
  const operations: (readonly [index: number, operation: Operation])[] = [
    ...(guard?.before.operations.map((operation) => [guardIndex, operation] as const) ?? []),
    ...transaction.operations.entries(),
    ...(guard?.after.operations.map((operation) => [transaction.size, operation] as const) ?? []),
  ];
  for (const [index, operation] of operations) {
    try {
      const wire = encodeOperation(operation, transaction.schema, server);
      const decoder = decoderFor(operation, transaction.schema, server);
      if (wire) sent.push({ operation, index, text: exactText(wire), decoder });
    } catch (error) {
      if (!isOvsdbError(error)) throw error;
      throw new OvsdbError(
        error.code,
        `${nameOf(operation, index)}: ${error.message}`,
        detailsOf(operation, index),
      );
    }
    yield;
  }
  return sent;
}

function decoderFor(
  operation: Operation,
  schema: DatabaseSchema,
  server: DatabaseSchema,
): RowDecoder | undefined {
  if (operation.kind !== "select") return undefined;
  const [client, there] = [schema.tables.get(operation.table), server.tables.get(operation.table)];
  return client && there && new RowDecoder(client, there, operation.columns ?? client.columns.keys());
}

/** The result of a transaction of `size` operations. Throws unless every operation did what it stands for. */
export function readReply(reply: unknown, sent: readonly Sent[], size: number): TransactionResult {
  if (sent.length === 0) return { operations: emptyResults(size) };
  if (!Array.isArray(reply) || reply.length < sent.length)
    throw new OvsdbError("protocol error", "transact: a result for each operation was expected", {
      outcome: "unknown",
    });
  const results: readonly unknown[] = reply;
  for (const [at, result] of results.entries()) {
    if (!hasError(result)) continue;
    const failed = sent[at];
    throw failed
      ? serverError(result, nameOf(failed.operation, failed.index), detailsOf(failed.operation, failed.index))
      : serverError(result, "commit");
  }
  const operations = emptyResults(size);
  for (const [at, one] of sent.entries()) {
    const result = readResult(results[at], one);
    if (one.index >= 0 && one.index < size) operations[one.index] = result;
  }
  return { operations };
}

const emptyResults = (size: number): OperationResult[] => Array.from({ length: size }, () => ({}));

function readResult(result: unknown, { operation, index, decoder }: Sent): OperationResult {
  if (typeof result !== "object" || result === null)
    throw new OvsdbError("protocol error", `${nameOf(operation, index)}: no result`, { outcome: "unknown" });
  if ("uuid" in result && Array.isArray(result.uuid)) return { uuid: String(result.uuid[1]) };
  if (decoder && "rows" in result && Array.isArray(result.rows))
    return { rows: result.rows.map((row: unknown) => selectedRow(row, decoder)) };
  if (!("count" in result) || typeof result.count !== "number") return {};
  if (result.count === 0 && "allowMissing" in operation && !operation.allowMissing) {
    throw new OvsdbError("no row", `${nameOf(operation, index)}: there is no such row`, {
      ...detailsOf(operation, index),
      outcome: "committed",
    });
  }
  return { count: result.count };
}

const hasError = (result: unknown): boolean =>
  typeof result === "object" && result !== null && "error" in result && result.error !== null;

/** A select returns rows like a monitor's inserts, with the UUID among the columns. */
function selectedRow(json: unknown, decoder: RowDecoder): Row {
  const id = typeof json === "object" && json !== null && "_uuid" in json ? json._uuid : undefined;
  const row = Array.isArray(id) && isUuid(id[1]) && decoder.after(id[1], undefined, { insert: json });
  if (row) return row;
  throw new OvsdbError("protocol error", "select: a row without UUID", { outcome: "unknown" });
}

const nameOf = (operation: Operation, index: number): string =>
  `operation ${index} (${"table" in operation ? `${operation.kind} ${rowsText(operation)}` : operation.kind})`;

const detailsOf = (
  operation: Operation,
  index: number,
): { operationIndex: number; table?: string; uuid?: string } =>
  "table" in operation
    ? {
        operationIndex: index,
        table: operation.table,
        ...(operation.uuid !== undefined && { uuid: operation.uuid }),
      }
    : { operationIndex: index };
