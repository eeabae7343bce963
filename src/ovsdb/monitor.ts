// Keeps one replica equal to the server: requests a monitor on each new connection, with the best method the server
// knows, and turns its updates into changes of rows. Decoding is done in slices, so that neither a first copy nor a
// huge transaction blocks the event loop; only making it visible happens in one piece.

import type { AnyChange } from "./change.ts";
import type { Intern } from "./codec.ts";
import { isUuid } from "./codec.ts";
import { type Atom, sameValue } from "./columnValue.ts";
import { type Condition, columnsOf, encodeConditions } from "./condition.ts";
import type { Row } from "./database.ts";
import { isOvsdbError, OvsdbError } from "./errors.ts";
import { changedColumns, sameLarge } from "./largeColumn.ts";
import { membersOf } from "./largeObject.ts";
import type { ReplicaStore, TableSelection } from "./replica.ts";
import { RowDecoder } from "./rowDecoder.ts";
import type { Rpc } from "./rpc.ts";
import type { DatabaseSchema, TableSchema } from "./schema.ts";
import { Slices } from "./slices.ts";

/** The id of no transaction: a server finds nothing that follows it. */
const noTransaction = "00000000-0000-0000-0000-000000000000";

/** With more distinct map keys than this, they are taken for data that does not repeat. */
const maxInterned = 4096;

export interface MonitorOptions {
  /** Distinguishes the monitors of one connection. */
  readonly id: string;
  readonly schema: DatabaseSchema;
  readonly selection: ReadonlyMap<string, TableSelection>;
  readonly store: ReplicaStore;
}

type Json = { readonly [key: string]: unknown };
type Connected = { readonly rpc: Rpc; readonly schema: DatabaseSchema; readonly started: Promise<void> };
type Notification = { readonly method: string; readonly params: readonly unknown[] };

export class Monitor {
  readonly id: string;
  readonly #schema: DatabaseSchema;
  readonly #selection: Map<string, TableSelection>;
  readonly #store: ReplicaStore;
  readonly #interned = new Map<Atom, Atom>();
  #decoders: ReadonlyMap<string, RowDecoder> = new Map();
  #slices: Slices | undefined;
  /** Notifications that arrived before the reply was processed; undefined afterwards. */
  #early: Notification[] | undefined;
  /** The last transaction that the replica contains, if the server names transactions. */
  #lastTransaction = noTransaction;
  #server: Connected | undefined;
  /** Changes of conditions that the server has not confirmed. */
  #changing = 0;

  /** Throws when the selection names something that the schema lacks. */
  constructor(options: MonitorOptions) {
    for (const [name, { columns = [], where = [] }] of options.selection) {
      const known = tableOf(options.schema, name).columns;
      for (const column of [...columns, ...columnsOf(where)])
        if (!known.has(column) && column !== "_uuid")
          throw new OvsdbError("unknown column", `replica: table ${name} has no column ${column}`);
    }
    this.id = options.id;
    this.#schema = options.schema;
    this.#selection = new Map(options.selection);
    this.#store = options.store;
  }

  /** Begins to follow the server behind `rpc`. Any failure ends that connection. */
  start(rpc: Rpc, schema: DatabaseSchema): Promise<void> {
    const started = this.#start(rpc, schema);
    this.#server = { rpc, schema, started };
    return started;
  }

  async #start(rpc: Rpc, server: DatabaseSchema): Promise<void> {
    const slices = new Slices((error) => {
      this.#lastTransaction = noTransaction;
      rpc.close(asProtocolError(error));
    });
    this.#slices = slices;
    this.#early = [];
    const decoders = this.#decodersFor(server);
    // Older rows lack the columns that the server has gained.
    if (columnText(decoders) !== columnText(this.#decoders)) this.#lastTransaction = noTransaction;
    this.#decoders = decoders;
    const { whole, transaction, rows } = await this.#request(rpc, server);
    if (this.#slices !== slices) return;
    slices.add(whole ? this.#copy(rows, transaction) : this.#update(rows, transaction));
    const early = this.#early;
    this.#early = undefined;
    for (const { method, params } of early) this.notification(method, params);
  }

  /** The database has another schema now, on the same connection. The server has ended its monitors, or is about to. */
  async restart(rpc: Rpc, schema: DatabaseSchema): Promise<void> {
    this.stop();
    this.#early = undefined;
    // A monitor requested while the schema changed may be alive; its updates are no longer useful.
    await rpc.request("monitor_cancel", [this.id]).catch((error: unknown) => {
      if (!isOvsdbError(error, "unknown monitor")) throw error;
    });
    await this.start(rpc, schema);
  }

  /** From now on only rows that meet one of `where` are copied. Resolves when the replica contains exactly those. */
  async select(table: string, where: readonly Condition[] | undefined): Promise<void> {
    const selection = this.#selection.get(table);
    if (!selection) throw new OvsdbError("unknown table", `the replica was not asked for table ${table}`);
    const client = tableOf(this.#schema, table);
    encodeConditions(where ?? [], client);
    const { where: _, ...all } = selection;
    this.#selection.set(table, where ? { ...all, where } : all);
    // If the connection ends before the answer, it is unknown which rows we have.
    this.#changing++;
    const server = this.#server;
    await server?.started;
    if (server && this.#server === server && this.#decoders.has(table))
      await this.#changeConditions(server, table, client);
    return this.#store.ready();
  }

  async #changeConditions(server: Connected, table: string, client: TableSchema): Promise<void> {
    const where = encodeWhere(this.#selection.get(table), client, server.schema.tables.get(table)) ?? [];
    const params = [this.id, this.id, { [table]: [{ where }] }];
    try {
      await server.rpc.request("monitor_cond_change", params);
    } catch (error) {
      // Either the server is too old to filter, or the connection ended and the next one asks for the right rows.
      if (!isOvsdbError(error, "unknown method") && !isOvsdbError(error, "connection lost")) throw error;
    }
    if (this.#server !== server) return;
    this.#changing--;
    await this.#slices?.idle();
  }

  /** The connection has ended. The rows stay; half-processed updates are dropped. */
  stop(): void {
    this.#slices?.clear();
    this.#slices = undefined;
    this.#server = undefined;
    this.#store.setSynced(false);
  }

  /** The session is over, for `reason`. */
  end(reason: OvsdbError): void {
    this.stop();
    this.#store.end(reason);
  }

  /** An `update`, `update2` or `update3` for this monitor. */
  notification(method: string, params: readonly unknown[]): void {
    if (this.#early) this.#keep(this.#early, { method, params });
    else if (method === "update3") this.#slices?.add(this.#update(params[2], params[1]));
    else this.#slices?.add(this.#update(params[1], noTransaction));
  }

  /**
   * If a reply and what follows it arrive in one chunk, the reply is processed before the next turn; no server sends
   * sooner.
   */
  #keep(early: Notification[], notification: Notification): void {
    early.push(notification);
    if (early.length > 1) return;
    const rpc = this.#server?.rpc;
    setImmediate(() => {
      if (this.#early === early)
        rpc?.close(new OvsdbError("protocol error", "updates of a monitor before its reply"));
    });
  }

  #decodersFor(server: DatabaseSchema): ReadonlyMap<string, RowDecoder> {
    const intern: Intern = (atom) => {
      const known = this.#interned.get(atom);
      if (known !== undefined) return known;
      if (this.#interned.size < maxInterned) this.#interned.set(atom, atom);
      return atom;
    };
    const decoders = new Map<string, RowDecoder>();
    for (const [name, { columns }] of this.#selection) {
      const client = tableOf(this.#schema, name);
      const there = server.tables.get(name);
      if (there) decoders.set(name, new RowDecoder(client, there, columns ?? client.columns.keys(), intern));
    }
    return decoders;
  }

  /** Tries the newest method first. A server that does not know it says so, and is asked for the next older one. */
  async #request(
    rpc: Rpc,
    server: DatabaseSchema,
  ): Promise<{ readonly whole: boolean; readonly transaction: unknown; readonly rows: unknown }> {
    const tables = Object.fromEntries(
      [...this.#decoders].map(([name, { columns }]) => {
        const where = encodeWhere(
          this.#selection.get(name),
          tableOf(this.#schema, name),
          server.tables.get(name),
        );
        return [name, [{ columns, ...(where && { where }) }]];
      }),
    );
    const params = [server.name, this.id, tables];
    const since = this.#changing > 0 ? noTransaction : this.#lastTransaction;
    this.#changing = 0;
    try {
      const reply = await rpc.request("monitor_cond_since", [...params, since]);
      if (!Array.isArray(reply) || reply.length !== 3)
        throw new OvsdbError("protocol error", "monitor_cond_since: expected three results");
      return { whole: reply[0] !== true, transaction: reply[1], rows: reply[2] };
    } catch (error) {
      if (!isOvsdbError(error, "unknown method")) throw error;
    }
    const rows = await rpc.request("monitor_cond", params).catch((error: unknown) => {
      if (!isOvsdbError(error, "unknown method")) throw error;
      return rpc.request("monitor", params);
    });
    return { whole: true, transaction: noTransaction, rows };
  }

  /** Takes in one transaction, or everything that has happened since `#lastTransaction`. */
  *#update(tables: unknown, transaction: unknown): Generator<void> {
    // An update that was under way when the connection ended may be half settled.
    yield* this.#store.settle();
    const changes: AnyChange[] = [];
    for (const [name, decoder, rows] of this.#tablesOf(tables)) {
      const table = this.#store.table(name);
      for (const [uuid, update] of membersOf(rows)) {
        const old = table.get(uuid);
        const row = decoder.after(uuid, old, update);
        if (old || row) changes.push({ table: name, uuid, old, new: row });
        yield;
      }
    }
    const prepared = yield* this.#store.prepare(changes);
    this.#reached(transaction);
    this.#store.apply(prepared);
    yield* this.#store.settle();
  }

  /** Takes in a whole copy. A row that did not change stays the same object and is not reported as a change. */
  *#copy(tables: unknown, transaction: unknown): Generator<void> {
    yield* this.#store.settle();
    const copy = this.#store.emptyTables();
    const changes: AnyChange[] = [];
    for (const [name, decoder, rows] of this.#tablesOf(tables)) {
      const before = this.#store.table(name);
      const after = copy.get(name);
      for (const [uuid, update] of membersOf(rows)) {
        const old = before.get(uuid);
        const row = decoder.after(uuid, undefined, update);
        if (!row) throw new OvsdbError("protocol error", `copy of table ${name} deletes a row`);
        if (after?.get(uuid)) throw new OvsdbError("protocol error", `row ${uuid} came twice`);
        const same = old && sameRow(old, row);
        after?.replace(undefined, same ? old : row);
        if (!same) changes.push({ table: name, uuid, old, new: row });
        yield;
      }
    }
    for (const [name, table] of copy) {
      for (const old of this.#store.table(name).values()) {
        if (!table.get(old._uuid)) changes.push({ table: name, uuid: old._uuid, old, new: undefined });
        yield;
      }
    }
    this.#reached(transaction);
    this.#store.exchange(copy, changes);
  }

  /** The rows are decoded. What remains, making them visible, is done at once. */
  #reached(transaction: unknown): void {
    this.#store.setSynced(true);
    // It goes back to the server with the next request, which any other text would spoil.
    this.#lastTransaction = isUuid(transaction) ? transaction : noTransaction;
  }

  *#tablesOf(tables: unknown): Generator<[name: string, decoder: RowDecoder, rows: object]> {
    for (const [name, rows] of Object.entries(asObject(tables))) {
      const decoder = this.#decoders.get(name);
      if (!decoder)
        throw new OvsdbError("protocol error", `update of table ${name}, which was not asked for`);
      yield [name, decoder, asObject(rows)];
    }
  }
}

/** The wire form of the conditions; undefined when there are none, or when they name a column that the server lacks. */
function encodeWhere(
  selection: TableSelection | undefined,
  client: TableSchema,
  server: TableSchema | undefined,
): unknown[] | undefined {
  const conditions = selection?.where;
  if (!conditions || !columnsOf(conditions).every((name) => server?.columns.has(name))) return undefined;
  return encodeConditions(conditions, client);
}

/** The columns asked for of each table. */
const columnText = (decoders: ReadonlyMap<string, RowDecoder>): string =>
  JSON.stringify([...decoders].map(([name, { columns }]) => [name, columns]));

function sameRow(a: Row, b: Row): boolean {
  for (const name of changedColumns(a, b))
    if (!(sameLarge(a, b, name) ?? sameValue(a[name], b[name]))) return false;
  return true;
}

function tableOf(schema: DatabaseSchema, name: string): TableSchema {
  const table = schema.tables.get(name);
  if (table) return table;
  throw new OvsdbError("unknown table", `database ${schema.name} has no table ${name}`);
}

function asObject(json: unknown): Json {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Json;
  throw new OvsdbError("protocol error", "expected an object of tables or rows");
}

const asProtocolError = (error: unknown): OvsdbError =>
  isOvsdbError(error) ? error : new OvsdbError("protocol error", String(error), { cause: error });
