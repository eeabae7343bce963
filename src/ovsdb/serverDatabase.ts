// The database `_Server`, in which servers since Open vSwitch 2.9 describe themselves and the databases they serve
// (ovsdb-server(5)). A session with `database: "_Server"` reads it like any other.

import type { Database, Ref } from "./database.ts";
import { parseSchema } from "./schema.ts";

/** A database that the server serves. */
export type ServerDatabaseRow = {
  readonly _uuid: Ref<"Database">;
  readonly name: string;
  readonly model: "standalone" | "clustered" | "relay";
  /** A cluster member is in touch with a majority, or a relay with its source. */
  readonly connected: boolean;
  readonly leader: boolean;
  /** The cluster, and this member of it. */
  readonly cid: Ref | undefined;
  readonly sid: Ref | undefined;
  /** How far this member's log goes. */
  readonly index: number | undefined;
  /** The schema as JSON text; absent until a new member has received it. */
  readonly schema: string | undefined;
};

export type ServerTables = {
  readonly Database: { readonly row: ServerDatabaseRow; readonly insert: Omit<ServerDatabaseRow, "_uuid"> };
};

export const serverDatabase: Database<ServerTables> = {
  schema: parseSchema({
    name: "_Server",
    version: "1.2.0",
    tables: {
      Database: {
        columns: {
          name: { type: "string" },
          model: { type: { key: { type: "string", enum: ["set", ["clustered", "relay", "standalone"]] } } },
          connected: { type: "boolean" },
          leader: { type: "boolean" },
          cid: { type: { key: "uuid", min: 0 } },
          sid: { type: { key: "uuid", min: 0 } },
          index: { type: { key: "integer", min: 0 } },
          schema: { type: { key: "string", min: 0 } },
        },
      },
    },
  }),
};
