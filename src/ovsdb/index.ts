// The public face of the library: an OVSDB client (RFC 7047 and ovsdb-server(7)). Nothing else of this folder is
// meant to be imported from outside it.

export type {
  Atom,
  Columns,
  ColumnValue,
  Database,
  InsertOf,
  MapColumn,
  Ref,
  Row,
  RowOf,
  SetColumn,
  TableName,
} from "./database.ts";
export { isOvsdbError, type Outcome, OvsdbError, type OvsdbErrorCode } from "./errors.ts";
export type { MapMutation, Operation } from "./operation.ts";
export {
  type AnyReplica,
  type Change,
  type Condition,
  Replica,
  type ReplicaOptions,
  type Selection,
  type TableSelection,
  type TableView,
} from "./replica.ts";
export {
  type AtomicType,
  type BaseType,
  type ColumnKind,
  type ColumnSchema,
  type DatabaseSchema,
  parseSchema,
  type TableSchema,
} from "./schema.ts";
export {
  type Clock,
  type Log,
  type LogLevel,
  type OperationResult,
  Session,
  type SessionOptions,
  type SessionState,
  type TransactionResult,
} from "./session.ts";
export { type RowOptions, Transaction } from "./transaction.ts";
