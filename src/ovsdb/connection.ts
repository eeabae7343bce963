// A session's way to its database over changing network connections: connects, performs the handshake, and begins again
// when a connection is lost. reconnect.ts decides when to do what, membership.ts whether to stay with a server. What
// the connection is used for is the session's matter (session.ts).

import { type Clock, systemClock } from "./clock.ts";
import { OvsdbError } from "./errors.ts";
import { Gate } from "./gate.ts";
import { Link } from "./link.ts";
import type { Log } from "./log.ts";
import { Membership } from "./membership.ts";
import { Reconnect } from "./reconnect.ts";
import { parseRemote, type Remote } from "./remote.ts";
import type { DatabaseSchema } from "./schema.ts";
import type { SessionOptions, SessionState } from "./sessionOptions.ts";
import type { TlsOptions } from "./tlsOptions.ts";

/** What a connection tells its session. */
export interface ConnectionEvents {
  /** The link can be used. */
  readonly usable: (link: Link) => void;
  /** The server sent this unasked: updates of monitors and of locks. */
  readonly notified: (method: string, params: readonly unknown[]) => void;
  /** The database was converted to another schema; all its monitors have ended. */
  readonly converted: (link: Link) => void;
  /** The link, usable or not yet, has ended. */
  readonly lost: () => void;
  /** There will be no other link, because of `reason`. Called once. */
  readonly closed: (reason: OvsdbError) => void;
}

export class Connection {
  readonly #database: string;
  readonly #remotes: readonly (readonly [name: string, remote: Remote])[];
  readonly #tls: TlsOptions | undefined;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #events: ConnectionEvents;
  readonly #reconnect: Reconnect;
  readonly #membership: Membership;
  readonly #connected = new Gate();
  #attempts = 0;
  #link: Link | undefined;
  /** Kept while there is no connection. */
  #serverSchema: DatabaseSchema | undefined;
  #lastError: OvsdbError | undefined;
  #lastRemote = "";
  /** The remote that is connected or tried. */
  #remoteName = "";
  #state: "new" | "started" | "closed" = "new";
  #cancelTimer = (): void => {};
  readonly #ended = new AbortController();

  /** Throws an `OvsdbError` "invalid remote" for malformed remotes. Does no I/O. */
  constructor(options: SessionOptions, events: ConnectionEvents) {
    if (options.remotes.length === 0) throw new OvsdbError("invalid remote", "no remote given");
    this.#database = options.database;
    this.#remotes = options.remotes.map((remote) => [remote, parseRemote(remote)]);
    if (!options.tls && this.#remotes.some(([, remote]) => remote.kind === "tls"))
      throw new OvsdbError("invalid remote", "a remote ssl:HOST:PORT needs the option tls");
    this.#tls = options.tls;
    this.#log = options.log ?? (() => {});
    this.#clock = options.clock ?? systemClock;
    this.#events = events;
    this.#reconnect = new Reconnect(
      {
        remotes: options.remotes.length,
        minBackoffMs: options.minBackoffMs ?? 100,
        maxBackoffMs: options.maxBackoffMs ?? 8000,
        connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
        probeIntervalMs: options.probeIntervalMs ?? 10_000,
        random: options.random ?? Math.random,
      },
      this.#clock.now(),
    );
    this.#membership = new Membership(options.leaderOnly ?? false);
  }

  get state(): SessionState {
    if (this.#state !== "started") return this.#state === "closed" ? "closed" : "backoff";
    if (this.isOpen) return "connected";
    return this.#link ? "connecting" : "backoff";
  }

  /** Whether the link can be used. */
  get isOpen(): boolean {
    return this.#connected.isOpen;
  }

  /** The present link. It may not be usable yet. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The server's schema, which may be older or newer than the generated one; undefined before the first connection. */
  get serverSchema(): DatabaseSchema | undefined {
    return this.#serverSchema;
  }

  /** Why there is no connection, or why the last one ended; undefined before anything has failed. */
  get lastError(): OvsdbError | undefined {
    return this.#lastError;
  }

  /** Begins to connect, and keeps trying until `signal` is aborted or the session is disposed. */
  start(signal?: AbortSignal): void {
    if (this.#state !== "new") return;
    this.#state = "started";
    signal?.addEventListener("abort", () => this.close(), { signal: this.#ended.signal });
    if (signal?.aborted) this.close();
    else this.#pump();
  }

  /**
   * Resolves when the session is connected; at once if it is. If `signal` is aborted first, the error "canceled" says
   * what there was instead.
   */
  connected(signal?: AbortSignal): Promise<void> {
    return this.#connected.wait(signal, () => `a connection: ${this.situation()}`);
  }

  /** The link. Throws an `OvsdbError` when there is none to be used. */
  usableLink(): Link {
    if (this.#link?.schema) return this.#link;
    throw this.notConnected();
  }

  /** Why nothing can be sent. */
  notConnected(): OvsdbError {
    return new OvsdbError(
      this.#state === "closed" ? "closed" : "not connected",
      `${this.#database}: ${this.situation()}`,
    );
  }

  /** What the session has to do with its server now, for people. `connected` says what is missing if it is connected. */
  situation(connected = "connected to"): string {
    if (this.#state === "new") return "the session was never started: call start()";
    if (this.#state === "closed") return "the session is closed";
    const remotes = this.#remotes.map(([name]) => name);
    if (this.#connected.isOpen) return `${connected} ${this.#remoteName}`;
    if (this.#lastError) return `not connected, last tried ${this.#lastRemote}: ${this.#lastError.message}`;
    return `not connected, no answer yet from ${remotes.join(" or ")}`;
  }

  /** For good. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#ended.abort();
    this.#cancelTimer();
    const reason = new OvsdbError("closed", `${this.#database}: the session is closed`);
    this.#link?.rpc.close(reason);
    this.#connected.fail(reason);
    this.#events.closed(reason);
  }

  /** Does what is due now, and schedules itself for what is due next. */
  readonly #pump = (): void => {
    while (this.#state === "started") {
      const now = this.#clock.now();
      const advice = this.#reconnect.advise(now);
      this.#cancelTimer();
      switch (advice.action) {
        case "connect":
          this.#reconnect.connecting(now);
          this.#connect();
          break;
        case "probe":
          this.#reconnect.probed(now);
          this.#link?.rpc.request("echo", ["probe"]).catch((error: unknown) => this.#debug("probe", error));
          break;
        case "disconnect":
          this.#link?.rpc.close(new OvsdbError("connection lost", this.#silence(advice.reason)));
          break;
        case "wait":
          if (advice.until < Number.POSITIVE_INFINITY)
            this.#cancelTimer = this.#clock.after(advice.until - now, this.#pump);
          return;
      }
    }
  };

  #connect(): void {
    const remote = this.#remotes[this.#attempts++ % this.#remotes.length];
    if (!remote) return;
    const [name, target] = remote;
    this.#remoteName = name;
    const link = new Link({
      remote: target,
      name,
      tls: this.#tls,
      database: this.#database,
      membership: this.#membership,
      log: this.#log,
      received: () => this.#reconnect.received(this.#clock.now()),
      notified: this.#events.notified,
      converted: (schema) => this.#converted(link, schema),
      closed: (reason) => this.#lost(name, reason),
    });
    this.#link = link;
    link.handshake().then(
      (schema) => this.#usable(link, name, schema),
      (error: unknown) => this.#debug("handshake", error),
    );
  }

  #usable(link: Link, remote: string, schema: DatabaseSchema): void {
    // A server not worth staying with is left even while it answers.
    if (this.#link !== link) return;
    this.#serverSchema = schema;
    this.#reconnect.connected(this.#clock.now());
    this.#connected.open();
    this.#log("info", "connected", { database: this.#database, remote, schemaVersion: schema.version });
    this.#events.usable(link);
    this.#pump();
  }

  #converted(link: Link, schema: DatabaseSchema): void {
    this.#serverSchema = schema;
    this.#log("info", "converted", { database: this.#database, schemaVersion: schema.version });
    this.#events.converted(link);
  }

  #lost(remote: string, reason: OvsdbError): void {
    this.#link = undefined;
    this.#lastError = reason;
    this.#lastRemote = remote;
    this.#connected.shut();
    this.#events.lost();
    if (this.#state === "closed") return;
    this.#reconnect.disconnected(this.#clock.now());
    this.#log("warn", "disconnected", { database: this.#database, remote, reason: reason.message });
    this.#pump();
  }

  /** `reason` to give up a server, with what it owes. */
  #silence(reason: string): string {
    const owed = this.#link?.rpc.unanswered ?? [];
    return `${this.#remoteName}: ${reason}${owed.length > 0 ? `; unanswered: ${owed.join(", ")}` : ""}`;
  }

  #debug(what: string, error: unknown): void {
    this.#log("debug", `${what} failed`, { database: this.#database, error });
  }
}
