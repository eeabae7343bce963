// The sessions with OVN's two databases, and the local copies of their contents.

import type { Fence } from "../apply/fence.ts";
import { Generations } from "../apply/generations.ts";
import { northboundTables } from "../kinds/kinds.ts";
import type { Log } from "../kube/clock.ts";
import type { Scope } from "../model/scope.ts";
import { type Chassis, followChassis } from "../observe/chassis.ts";
import { followNumbers, type Numbers } from "../observe/northdWatch.ts";
import { Observed, observedIndexes } from "../observe/observed.ts";
import { followPorts } from "../observe/portStates.ts";
import { type NorthboundTables, northbound } from "../ovn/northbound.gen.ts";
import { southbound } from "../ovn/southbound.gen.ts";
import { type Replica, Session, type TlsOptions } from "../ovsdb/index.ts";

export interface DatabasesOptions {
  readonly scope: Scope;
  /** The router of the cloud's tenant; undefined in overlay mode. */
  readonly cloudRouter: string | undefined;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  /** For remotes `ssl:…`. */
  readonly tls: TlsOptions | undefined;
  readonly log: Log;
}

export interface Databases extends AsyncDisposable {
  readonly northbound: Session;
  readonly replica: Replica<NorthboundTables>;
  readonly observed: Observed;
  readonly southbound: Session;
  /** The numbers of generations. */
  readonly numbers: Numbers;
  readonly chassis: Chassis;
  /** Measures how far OVN is with the contents of the northbound database, on behalf of the fence's holder. */
  readonly generations: (fence: Fence) => Generations;
  /** Connects until `signal` aborts. */
  readonly start: (signal: AbortSignal) => void;
}

/** Does not connect yet, so anyone who subscribes before `start` hears everything. */
export function openDatabases(options: DatabasesOptions): Databases {
  const { scope, cloudRouter, tls, log } = options;
  const open = (database: string, remotes: readonly string[]): Session =>
    new Session({ remotes, database, log, ...(tls && { tls }) });
  const north = open("OVN_Northbound", options.northbound);
  const south = open("OVN_Southbound", options.southbound);
  const replica = north.replica(northbound, northboundTables, { indexes: observedIndexes(northboundTables) });
  const ports = followPorts(south, scope.cluster);
  const counted = {
    northbound: north.replica(northbound, { NB_Global: { columns: ["nb_cfg", "sb_cfg"] } }),
    southbound: south.replica(southbound, { Chassis_Private: { columns: ["name", "nb_cfg"] } }),
  };
  return {
    northbound: north,
    replica,
    observed: new Observed({ scope, replica, ports, router: cloudRouter }),
    generations: (fence) => new Generations({ ...counted, session: north, fence }),
    southbound: south,
    numbers: followNumbers(north),
    chassis: followChassis(south),
    start: (signal) => {
      north.start(signal);
      south.start(signal);
    },
    [Symbol.asyncDispose]: async () => {
      await south[Symbol.asyncDispose]();
      await north[Symbol.asyncDispose]();
    },
  };
}
