// Removes the chassis of nodes that are gone from the southbound database. ovn-controller removes its own chassis when
// it is stopped, but not when its machine dies; then the other nodes keep a tunnel to it, and waiting for all nodes
// never ends. The database may hold other people's chassis as well, so a chassis is removed only if all of these hold:
//
// - it carries this cluster's mark, which an agent wrote into the Open vSwitch of its own node, and names its node;
// - there is no Node of that name, and none that claims the chassis;
// - no row of the node is left in the northbound database, so the prune guard has let the node go;
// - its ovn-controller has not repeated the numbers that were asked for since (ovn-sb(5), nb_cfg).
// If it is alive after all, ovn-controller creates the chassis again.

import { type Clock, type Log, pause } from "../kube/clock.ts";
import type { Node } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import { annotations, chassisMark } from "../model/names.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import type { Chassis } from "../observe/chassis.ts";
import { type ChassisPrivateRow, type ChassisRow, southbound } from "../ovn/southbound.gen.ts";
import { type Session, Transaction } from "../ovsdb/index.ts";

type Row = Pick<ChassisRow, "_uuid" | "name" | "hostname" | "other_config" | "encaps">;

export interface DeadChassisOptions {
  readonly cluster: string;
  readonly nodes: Pick<Store<Node>, "get" | "values" | "synced" | "lagging">;
  readonly hasRows: (owner: Owner) => boolean;
  readonly session: Pick<Session, "transact">;
  readonly replica: Chassis;
  /** The number that northd has repeated last. */
  readonly reached: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

const lookMs = 5_000;
/** How long a chassis may fail to repeat a number before it is removed. A live one repeats it within seconds. */
const patienceMs = 20_000;

export class DeadChassis {
  readonly #options: DeadChassisOptions;
  /** uuid of a chassis without a node ▶ the number that it repeated last, and since when it owes a later one */
  readonly #silent = new Map<string, { readonly number: number; readonly sinceMs: number }>();

  constructor(options: DeadChassisOptions) {
    this.#options = options;
  }

  /** Removes dead chassis until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await this.look(signal).catch((error: unknown) => {
        if (!signal.aborted) log("warn", "a dead chassis was not removed, trying again", { error });
      });
      await pause(clock, lookMs, signal);
    }
  }

  /** Removes the chassis that have been dead for long enough. */
  async look(signal: AbortSignal): Promise<void> {
    const { nodes, replica, reached, clock } = this.#options;
    if (!nodes.synced || nodes.lagging || !replica.synced) return this.#silent.clear();
    const now = clock.now();
    const abandoned = this.#abandoned();
    const uuids = new Set<string>(abandoned.map(({ _uuid: uuid }) => uuid));
    for (const uuid of this.#silent.keys()) if (!uuids.has(uuid)) this.#silent.delete(uuid);
    const privates = new Map(
      [...replica.table("Chassis_Private").values()].map((row) => [row.name, row] as const),
    );
    for (const row of abandoned) {
      const own = privates.get(row.name);
      const number = Number(own?.nb_cfg ?? 0);
      const silent = this.#silent.get(row._uuid);
      if (number >= reached()) this.#silent.delete(row._uuid);
      else if (silent?.number !== number) this.#silent.set(row._uuid, { number, sinceMs: now });
      else if (now - silent.sinceMs >= patienceMs) await this.#remove(row, own, signal);
    }
  }

  /** The chassis with this cluster's mark that no node has. */
  #abandoned(): readonly Row[] {
    const { cluster, nodes, hasRows, replica } = this.#options;
    const mark = chassisMark(cluster);
    const marked = [...replica.table("Chassis").values()].filter(
      ({ hostname, other_config: config }) =>
        hostname !== "" && (config.get("ovn-cms-options") ?? "").split(",").includes(mark),
    );
    if (marked.every(({ hostname }) => nodes.get("", hostname))) return [];
    const claimed = new Set([...nodes.values()].map((node) => node.annotations[annotations.nodeChassisId]));
    return marked.filter(
      ({ name, hostname }) =>
        !nodes.get("", hostname) && !claimed.has(name) && !hasRows(ownerOf("node", hostname)),
    );
  }

  async #remove(
    row: Row,
    own: Pick<ChassisPrivateRow, "_uuid" | "nb_cfg"> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { session, log } = this.#options;
    const transaction = new Transaction(southbound);
    // If this number grows meanwhile, the chassis is alive after all.
    if (own) {
      transaction
        .waitUntil("Chassis_Private", own._uuid, { nb_cfg: own.nb_cfg })
        .delete("Chassis_Private", own._uuid);
    }
    for (const encap of row.encaps) transaction.delete("Encap", encap, { allowMissing: true });
    transaction.delete("Chassis", row._uuid);
    await session.transact(transaction, { signal });
    log("info", "removed the chassis of a node that is gone", { node: row.hostname, chassis: row.name });
  }
}
