// A transaction on its way out and back: what is sent of it to this server, and whether each result is what the
// operation stands for. A reply holds a result per operation, null after the first that failed, and one result more
// when all operations succeeded and the commit did not (RFC 7047, section 4.1.3).

import { isOvsdbError, OvsdbError, serverError } from "./errors.ts";
import { encodeOperation, type Operation } from "./operation.ts";
import type { DatabaseSchema } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

/** What one operation did. */
export interface OperationResult {
  /** Of an insert. */
  readonly uuid?: string;
  /** Of update, delete and mutate: rows hit. */
  readonly count?: number;
}

export interface TransactionResult {
  /** In the order in which the operations were added. An operation not sent, for want of its column, is empty. */
  readonly operations: readonly OperationResult[];
}

interface Sent {
  readonly operation: Operation;
  readonly index: number;
  readonly wire: object;
}

/** The operations to send to a server that has the schema `server`. */
export function encodeTransaction<T>(transaction: Transaction<T>, server: DatabaseSchema): readonly Sent[] {
  const sent: Sent[] = [];
  for (const [index, operation] of transaction.operations.entries()) {
    try {
      const wire = encodeOperation(operation, transaction.schema, server);
      if (wire) sent.push({ operation, index, wire });
    } catch (error) {
      if (!isOvsdbError(error)) throw error;
      throw new OvsdbError(
        error.code,
        `${nameOf(operation, index)}: ${error.message}`,
        detailsOf(operation, index),
      );
    }
  }
  return sent;
}

/** The result of a transaction of `size` operations; throws unless every operation did what it stands for. */
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
  for (const [at, { operation, index }] of sent.entries())
    operations[index] = readResult(results[at], operation, index);
  return { operations };
}

const emptyResults = (size: number): OperationResult[] => Array.from({ length: size }, () => ({}));

function readResult(result: unknown, operation: Operation, index: number): OperationResult {
  if (typeof result !== "object" || result === null)
    throw new OvsdbError("protocol error", `${nameOf(operation, index)}: no result`, { outcome: "unknown" });
  if ("uuid" in result && Array.isArray(result.uuid)) return { uuid: String(result.uuid[1]) };
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

const nameOf = (operation: Operation, index: number): string =>
  operation.kind === "comment"
    ? `operation ${index} (comment)`
    : `operation ${index} (${operation.kind} ${operation.table} ${operation.uuid ?? "new"})`;

const detailsOf = (
  operation: Operation,
  index: number,
): { operationIndex: number; table?: string; uuid?: string } =>
  operation.kind === "comment"
    ? { operationIndex: index }
    : {
        operationIndex: index,
        table: operation.table,
        ...(operation.uuid !== undefined && { uuid: operation.uuid }),
      };
