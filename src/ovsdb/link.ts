// One connection of a session, from the first byte to the last. It asks for the schema, and follows the server's
// `_Server` database, replicated like any other, to leave a server that is not worth staying with.

import { Duplex } from "node:stream";
import { isOvsdbError, OvsdbError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Membership } from "./membership.ts";
import { Monitor } from "./monitor.ts";
import { openRemote, type Remote } from "./remote.ts";
import { ReplicaStore } from "./replica.ts";
import { Rpc } from "./rpc.ts";
import { type DatabaseSchema, parseSchema } from "./schema.ts";
import { serverDatabase } from "./serverDatabase.ts";
import type { TlsOptions } from "./tlsOptions.ts";

/** The columns that are read of `_Server`: all but the schemas. */
const membershipColumns = ["name", "model", "connected", "leader", "cid", "index"];

/** Id of a monitor of nothing: when the server cancels it, the database has another schema. */
const conversionMonitor = "conversion";

export interface LinkOptions {
  readonly remote: Remote;
  /** The remote as it was given. */
  readonly name: string;
  readonly tls: TlsOptions | undefined;
  readonly database: string;
  readonly membership: Membership;
  readonly log: Log;
  /** Bytes came. */
  readonly received: () => void;
  /** What the server sends unasked: updates of monitors and of locks. */
  readonly notified: (method: string, params: readonly unknown[]) => void;
  /** The database was converted to another schema; all its monitors have ended. */
  readonly converted: (schema: DatabaseSchema) => void;
  /** The end, called once. */
  readonly closed: (reason: OvsdbError) => void;
}

export class Link {
  readonly rpc: Rpc;
  readonly #options: LinkOptions;
  readonly #server: ReplicaStore;
  readonly #serverMonitor: Monitor;
  /** As last read. A conversion may require reading it again before the handshake is over. */
  #schema: DatabaseSchema | undefined;
  #usable = false;
  #conversions = 0;
  #conversion: Promise<void> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#server = new ReplicaStore(new Map([["Database", ["name"]]]), options.log, {
      select: async () => {},
      dispose: () => {},
      situation: () => options.name,
    });
    this.#server.subscribe(() => this.#checkMembership());
    this.#serverMonitor = new Monitor({
      id: serverDatabase.schema.name,
      schema: serverDatabase.schema,
      selection: new Map([["Database", { columns: membershipColumns }]]),
      store: this.#server,
    });
    this.rpc = new Rpc(open(options), {
      peer: options.name,
      received: options.received,
      notification: (method, params) => this.#notified(method, params),
      closed: (reason) => {
        this.#serverMonitor.stop();
        options.closed(reason);
      },
    });
  }

  /** The server's schema; undefined until the handshake is over. */
  get schema(): DatabaseSchema | undefined {
    return this.#usable ? this.#schema : undefined;
  }

  /** Makes the connection usable, or ends it. The connection may have ended even when this resolves. */
  async handshake(): Promise<DatabaseSchema> {
    try {
      const [schema] = await Promise.all([this.#readSchema(), this.#followServer()]);
      this.#usable = true;
      return (this.#schema ??= schema);
    } catch (error) {
      throw this.fail(isOvsdbError(error, "unknown database") ? await this.#unknownDatabase(error) : error);
    }
  }

  /** `cause`, with a list of the databases that the server does have. */
  async #unknownDatabase(cause: OvsdbError): Promise<OvsdbError> {
    const names: unknown = await this.rpc.request("list_dbs", []).catch(() => undefined);
    const there = Array.isArray(names) ? names.join(", ") : "others";
    const message = `the server has no database ${this.#options.database}, but ${there}`;
    return new OvsdbError("unknown database", message, { cause });
  }

  /** Resolves when the database's present schema is known: at once, unless a conversion is under way. */
  get settled(): Promise<void> | undefined {
    return this.#conversion;
  }

  /** Keeps `monitor` running as long as the connection lasts. */
  follow(monitor: Monitor): void {
    const { schema } = this;
    if (schema && !this.#conversion)
      monitor.start(this.rpc, schema).catch((error: unknown) => this.fail(error));
  }

  /** The same after a conversion. */
  resume(monitor: Monitor): void {
    if (this.#schema) monitor.restart(this.rpc, this.#schema).catch((error: unknown) => this.fail(error));
  }

  /** Ends the connection because of `error`. Returns the error in terms of OVSDB. */
  fail(error: unknown): OvsdbError {
    const reason = isOvsdbError(error)
      ? error
      : new OvsdbError("protocol error", String(error), { cause: error });
    this.rpc.close(reason);
    return reason;
  }

  async #readSchema(): Promise<DatabaseSchema> {
    const { database } = this.#options;
    const [, , schema] = await Promise.all([
      this.rpc.request("set_db_change_aware", [true]).catch(unlessUnknownMethod),
      this.rpc.request("monitor_cond", [database, conversionMonitor, {}]).catch(unlessUnknownMethod),
      this.rpc.request("get_schema", [database]),
    ]);
    return parseSchema(schema);
  }

  /** Servers before Open vSwitch 2.9 have no such database, and no clusters either. */
  async #followServer(): Promise<void> {
    try {
      const schema = parseSchema(await this.rpc.request("get_schema", [serverDatabase.schema.name]));
      await this.#serverMonitor.start(this.rpc, schema);
    } catch (error) {
      if (!isOvsdbError(error, "unknown database")) throw error;
    }
  }

  #checkMembership(): void {
    const [row] = this.#server.table("Database").by("name", this.#options.database);
    const refusal = this.#options.membership.refusal(row);
    if (refusal !== undefined) this.fail(new OvsdbError("not leader", refusal));
  }

  #notified(method: string, params: readonly unknown[]): void {
    const [id] = params;
    if (method === "monitor_canceled") {
      if (id === conversionMonitor) this.#convert();
    } else if (id === this.#serverMonitor.id && method.startsWith("update"))
      this.#serverMonitor.notification(method, params);
    else this.#options.notified(method, params);
  }

  /** Takes over the new schema. Conversions may follow each other faster than schemas are read. */
  #convert(): void {
    const conversions = ++this.#conversions;
    this.#conversion = this.#reread(() => conversions === this.#conversions);
  }

  async #reread(isLast: () => boolean): Promise<void> {
    try {
      const schema = await this.#readSchema();
      if (!isLast()) return;
      this.#schema = schema;
      this.#conversion = undefined;
      if (this.#usable) this.#options.converted(schema);
    } catch (error) {
      this.fail(error);
    }
  }
}

/** A remote that cannot even be tried (its files are missing, say) fails like a connection and is tried again later. */
function open({ remote, tls }: LinkOptions): Duplex {
  try {
    return openRemote(remote, tls);
  } catch (error) {
    return new Duplex({
      construct: (fail) => fail(error instanceof Error ? error : new Error(String(error))),
    });
  }
}

/** Older servers need no request: they end the connection when the schema changes. */
function unlessUnknownMethod(error: unknown): void {
  if (!isOvsdbError(error, "unknown method")) throw error;
}
