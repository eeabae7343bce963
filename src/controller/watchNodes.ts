// What a leader does about nodes whose agent or machine is gone.

import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import type { Stores } from "../kube/stores.ts";
import { declareNetwork } from "../kube/write.ts";
import { repeatedNumber } from "../observe/northdWatch.ts";
import type { Databases } from "./databases.ts";
import { DeadChassis } from "./deadChassis.ts";
import { followAgentLeases, SilentAgents } from "./silentAgents.ts";

export interface WatchNodesOptions {
  readonly cluster: string;
  /** Undefined when OVN runs on the nodes. */
  readonly cloudRouter: string | undefined;
  readonly leaseNamespace: string;
  readonly client: KubeClient;
  readonly stores: Pick<Stores, "Node">;
  readonly databases: Databases;
  readonly clock: Clock;
  readonly log: Log;
}

/** Watches until `signal` aborts. Returns what is known of the agents. */
export function watchNodes(options: WatchNodesOptions, signal: AbortSignal): SilentAgents {
  const { cluster, cloudRouter, leaseNamespace: namespace, client, stores, databases, clock, log } = options;
  const agents = new SilentAgents({
    leases: followAgentLeases(client, { namespace, cluster }, signal, log),
    nodes: stores.Node,
    declare: (node, problem) => declareNetwork(client, node, problem, { signal }),
    clock,
    log,
  });
  void agents.run(signal);
  // In underlay mode chassis are hypervisors, and belong to the cloud.
  if (cloudRouter !== undefined) return agents;
  const { chassis, numbers, observed, southbound } = databases;
  const dead = new DeadChassis({
    cluster,
    nodes: stores.Node,
    hasRows: (owner) => observed.hasRows(owner),
    session: southbound,
    replica: chassis,
    reached: () => repeatedNumber(numbers),
    clock,
    log,
  });
  void dead.run(signal);
  return agents;
}
