// One connection of a session, from the first byte to the last: asks for the schema, and follows what the server says
// of itself in its `_Server` database, copied like any other, to leave a server that is not one to stay with.

import { isOvsdbError, OvsdbError } from "./errors.ts";
import type { Log } from "./log.ts";
import { type Membership, serverDatabaseSchema } from "./membership.ts";
import { Monitor } from "./monitor.ts";
import { openRemote, type Remote } from "./remote.ts";
import { ReplicaStore } from "./replica.ts";
import { Rpc } from "./rpc.ts";
import { type DatabaseSchema, parseSchema } from "./schema.ts";

export interface LinkOptions {
  readonly remote: Remote;
  readonly database: string;
  readonly membership: Membership;
  readonly log: Log;
  /** Bytes came. */
  readonly received: () => void;
  /** An update for the monitor `id`. */
  readonly updated: (id: unknown, method: string, params: readonly unknown[]) => void;
  /** The end, called once. */
  readonly closed: (reason: OvsdbError) => void;
}

export class Link {
  readonly rpc: Rpc;
  readonly #options: LinkOptions;
  readonly #server: ReplicaStore;
  readonly #serverMonitor: Monitor;
  #schema: DatabaseSchema | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#server = new ReplicaStore(new Map([["Database", ["name"]]]), options.log, () => {});
    this.#server.subscribe(() => this.#checkMembership());
    this.#serverMonitor = new Monitor({
      id: serverDatabaseSchema.name,
      schema: serverDatabaseSchema,
      selection: new Map([["Database", {}]]),
      store: this.#server,
    });
    this.rpc = new Rpc(openRemote(options.remote), {
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
    return this.#schema;
  }

  /** Makes the connection usable, and ends it when that fails. It may have ended even when this resolves. */
  async handshake(): Promise<DatabaseSchema> {
    try {
      const [schema] = await Promise.all([
        this.rpc.request("get_schema", [this.#options.database]),
        this.#followServer(),
      ]);
      this.#schema = parseSchema(schema);
      return this.#schema;
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** Keeps `monitor` going for as long as the connection lasts. */
  follow(monitor: Monitor): void {
    if (this.#schema) monitor.start(this.rpc, this.#schema).catch((error: unknown) => this.fail(error));
  }

  /** Ends the connection because of `error`, which is returned as what it means for OVSDB. */
  fail(error: unknown): OvsdbError {
    const reason = isOvsdbError(error)
      ? error
      : new OvsdbError("protocol error", String(error), { cause: error });
    this.rpc.close(reason);
    return reason;
  }

  /** Servers before Open vSwitch 2.9 have no such database, and no clusters either. */
  async #followServer(): Promise<void> {
    try {
      const schema = parseSchema(await this.rpc.request("get_schema", [serverDatabaseSchema.name]));
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
    if (!method.startsWith("update")) return;
    const [id] = params;
    if (id === this.#serverMonitor.id) this.#serverMonitor.notification(method, params);
    else this.#options.updated(id, method, params);
  }
}
