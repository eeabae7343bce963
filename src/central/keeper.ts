// While the servers run: says whether this member is one of its clusters, and, where it leads, kicks servers that never come back
// and brings the database to the schema of this version of OVN. It also works beside the two databases of a single node.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import { isNewer } from "../model/schemaVersion.ts";
import { unixctl } from "../node/ovs/unixctl.ts";
import { parseSchema, Session } from "../ovsdb/index.ts";
import { deadServers } from "./deadServers.ts";
import { type DatabaseName, databaseNames, type OwnPlace, places, raftAddressOf } from "./members.ts";
import { parseRaftStatus, type RaftStatus } from "./raftStatus.ts";

export interface KeeperOptions {
  readonly place: OwnPlace;
  /** Of the servers' sockets. */
  readonly runFolder: string;
  readonly schemas: string;
  readonly clock: Clock;
  readonly log: Log;
}

const roundMs = 2000;

export class Keeper implements AsyncDisposable {
  readonly #options: KeeperOptions;
  readonly #sessions: ReadonlyMap<DatabaseName, Session>;
  /** Server ▶ the time, of the servers that are in the cluster now. */
  readonly #firstSeen = new Map<DatabaseName, ReadonlyMap<string, number>>();
  readonly #states = new Map<DatabaseName, RaftStatus | "standalone">();

  constructor(options: KeeperOptions) {
    this.#options = options;
    const { runFolder, log } = options;
    this.#sessions = new Map(
      databaseNames.map((name) => [
        name,
        new Session({
          remotes: [`unix:${join(runFolder, places[name].socket)}`],
          database: places[name].database,
          log,
        }),
      ]),
    );
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    for (const session of this.#sessions.values()) session.start(signal);
    while (!signal.aborted) {
      for (const [name, session] of this.#sessions)
        await this.#look(name, session, signal).catch((error: unknown) =>
          log("warn", `cannot look after the ${name} database, trying again`, { error }),
        );
      await pause(clock, roundMs, signal);
    }
  }

  /** Undefined when both databases may be used here; otherwise why not, in one sentence. */
  get notReady(): string | undefined {
    for (const [name, session] of this.#sessions) {
      const state = this.#states.get(name);
      if (state === undefined) return `the ${name} database: its server has not answered yet`;
      if (typeof state === "object" && state.state !== "cluster member")
        return `the ${name} database: ${state.state}`;
      if (session.state !== "connected")
        return `the ${name} database does not serve: ${session.lastError?.message ?? "no answer yet"}`;
    }
    return undefined;
  }

  get states(): ReadonlyMap<DatabaseName, RaftStatus | "standalone"> {
    return this.#states;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) await session[Symbol.asyncDispose]();
  }

  async #look(name: DatabaseName, session: Session, signal: AbortSignal): Promise<void> {
    const { place, log } = this.#options;
    const state = await this.#stateOf(name);
    this.#states.set(name, state);
    if (state === "standalone") return;
    const addresses = place.members.map((member) => raftAddressOf(member, name));
    const knownMs = this.#knownSince(name, state);
    for (const { id, address } of deadServers(state, addresses, knownMs)) {
      log("warn", "a server that will not come back is kicked out of its cluster", {
        database: name,
        ...{ id, address },
      });
      await this.#ask(name, "cluster/kick", places[name].database, id);
    }
    if (state.leads && session.state === "connected") await this.#convert(name, session, signal);
  }

  /** Since when this keeper has seen each server in the cluster, in milliseconds. */
  #knownSince(name: DatabaseName, { servers }: RaftStatus): (id: string) => number {
    const now = this.#options.clock.now();
    const before = this.#firstSeen.get(name);
    const seen = new Map(servers.map(({ id }) => [id, before?.get(id) ?? now]));
    this.#firstSeen.set(name, seen);
    return (id) => now - (seen.get(id) ?? now);
  }

  async #stateOf(name: DatabaseName): Promise<RaftStatus | "standalone"> {
    try {
      return parseRaftStatus(await this.#ask(name, "cluster/status", places[name].database));
    } catch (error) {
      // A server knows the command only once it serves a database that is in a cluster.
      if (error instanceof Error && /is not a valid command/.test(error.message)) return "standalone";
      throw error;
    }
  }

  #ask(name: DatabaseName, method: string, ...params: readonly string[]): Promise<string> {
    return unixctl(join(this.#options.runFolder, places[name].controlSocket), method, params);
  }

  async #convert(name: DatabaseName, session: Session, signal: AbortSignal): Promise<void> {
    const { schemas, log } = this.#options;
    const present = session.serverSchema?.version;
    if (present === undefined) return;
    const text = await readFile(join(schemas, places[name].schema), "utf8");
    const wanted: unknown = JSON.parse(text, persistent);
    const { version } = parseSchema(wanted);
    if (!isNewer(version, present)) return;
    await session.convert(wanted, signal);
    log("info", "database converted to a newer schema", { database: name, from: present, to: version });
  }
}

/** A reviver for a schema's JSON: a cluster has no ephemeral columns, and keeps what is in them (ovsdb(7)). */
const persistent = (key: string, value: unknown): unknown =>
  key === "ephemeral" && value === true ? undefined : value;
