// What a replica tells its readers: one row before and after an update.

import type { Ref, Row, RowOf, TableName } from "./database.ts";

/** One row that appeared (`old` absent), changed, or vanished (`new` absent). */
export interface AnyChange {
  readonly table: string;
  readonly uuid: string;
  readonly old?: Row | undefined;
  readonly new?: Row | undefined;
}

/** The same, typed: after a test of `table` the rows have their types. */
export type Change<T = unknown> = unknown extends T
  ? AnyChange
  : {
      [K in TableName<T>]: {
        readonly table: K;
        readonly uuid: Ref<K>;
        readonly old?: RowOf<T, K> | undefined;
        readonly new?: RowOf<T, K> | undefined;
      };
    }[TableName<T>];
