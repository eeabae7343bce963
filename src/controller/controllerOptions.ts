// What a controller is started with, and what follows from that for leading and for a dry run alike: the databases, the kinds of
// objects that are watched, and the inputs of plans.

import type { Registry } from "prom-client";
import { OvnCloud } from "../cloud/ovnCloud.ts";
import { OwnNodes } from "../cloud/ownNodes.ts";
import { decisionReads } from "../decide/decisions.ts";
import type { PoolOptions } from "../decide/pools.ts";
import { ownerKinds } from "../kinds/kinds.ts";
import type { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Log, systemClock } from "../kube/clock.ts";
import type { Kind } from "../kube/kinds.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { northboundScope } from "../model/scope.ts";
import type { TlsOptions } from "../ovsdb/index.ts";
import { type Databases, openDatabases } from "./databases.ts";
import type { PlanningOptions } from "./planningOptions.ts";

export interface ControllerOptions {
  readonly cluster: string;
  readonly network: ClusterNetwork;
  /** What a Service may have as external IP. */
  readonly externalIps: readonly Cidr[];
  /** The router of the tenant whose virtual machines are the nodes; undefined when OVN runs on the nodes. */
  readonly cloudRouter: string | undefined;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: PoolOptions | undefined;
  readonly client: KubeClient;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  /** For remotes `ssl:…`. */
  readonly tls: TlsOptions | undefined;
  /** Unique to this process. */
  readonly identity: string;
  readonly leaseNamespace: string;
  /** The share of Weft's rows, 0 to 1, that may be deleted at once without approval. */
  readonly pruneShare: number;
  readonly registry: Registry;
  readonly log: Log;
}

/** One zone holds the whole cluster today. */
export const zone = "global";

/** The kinds of objects that plans and decisions read. */
export const kindsRead: ReadonlySet<Kind> = new Set([
  ...ownerKinds.flatMap(({ reads }) => Object.keys(reads) as Kind[]),
  ...decisionReads,
]);

export function databasesOf(options: ControllerOptions): Databases {
  const { cluster, cloudRouter, northbound, southbound, tls, log } = options;
  return openDatabases({
    scope: northboundScope(cluster, zone),
    cloudRouter,
    northbound,
    southbound,
    tls,
    log,
  });
}

/** What plans are made from. The stores and the databases need not be complete yet. */
export function planningInputs(
  options: ControllerOptions,
  stores: Stores,
  server: ApiServer,
  { observed }: Databases,
): Omit<PlanningOptions, "patch" | "writeServiceStatus" | "writeFloating" | "tell" | "onPlanned"> {
  const { cluster, network, externalIps, client, pools, log } = options;
  const scope = northboundScope(cluster, zone);
  const cloud = observed.tenant
    ? new OvnCloud(scope, network, observed.tenant, observed.ports)
    : new OwnNodes(scope, network, pools !== undefined);
  return {
    scope,
    network,
    externalIps,
    cloud,
    pools,
    client,
    server,
    stores,
    observed,
    clock: systemClock,
    random: Math.random,
    log,
  };
}
