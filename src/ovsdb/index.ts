// The public face of the library: an OVSDB client (RFC 7047 and ovsdb-server(7)). Import nothing else of this folder
// from outside it.

export type { AnyChange, Change } from "./change.ts";
export type { Clock } from "./clock.ts";
export { decodeColumn, encodeColumn } from "./codec.ts";
export type { Atom, ColumnValue, Integer } from "./columnValue.ts";
export type { Condition } from "./condition.ts";
export type {
  ColumnOf,
  Columns,
  Database,
  EntriesOf,
  IndexedBy,
  IndexOf,
  InsertOf,
  MapColumn,
  MemberOf,
  NumberColumn,
  Ref,
  Row,
  RowOf,
  RowWith,
  SetColumn,
  TableName,
  UpdateOf,
} from "./database.ts";
export { isOvsdbError, type Outcome, OvsdbError, type OvsdbErrorCode } from "./errors.ts";
export { exactText, parseExactly } from "./exactJson.ts";
export { changedColumns, changedMembers, memberLookup, membersOf } from "./largeColumn.ts";
export type { Lock, LockOptions } from "./lock.ts";
export type { Log, LogLevel } from "./log.ts";
export { Marker, type MarkerPlace } from "./marker.ts";
export type { Arithmetic, MapMutation, Operation } from "./operation.ts";
export type {
  AnyReplica,
  Indexes,
  Replica,
  ReplicaOptions,
  Selected,
  Selection,
  TableSelection,
} from "./replica.ts";
export type { RowIndex, ValuesOf } from "./rows.ts";
export {
  type AtomicType,
  type BaseType,
  type ColumnKind,
  type ColumnSchema,
  type DatabaseSchema,
  parseSchema,
  type TableSchema,
} from "./schema.ts";
export { type ServerDatabaseRow, type ServerTables, serverDatabase } from "./serverDatabase.ts";
export { Session } from "./session.ts";
export type { SessionOptions, SessionState, TransactOptions } from "./sessionOptions.ts";
export type { TableView } from "./table.ts";
export type { TlsOptions } from "./tlsOptions.ts";
export { type RowOptions, type Target, Transaction, type WaitOptions } from "./transaction.ts";
export type { OperationResult, TransactionResult } from "./transactionReply.ts";
