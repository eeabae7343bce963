// Finds out what is wrong with the node, and reports it. The other parts of the agent tell it what they find; Open vSwitch, OVN
// and the API server it watches itself. It writes the Node's conditions and renews the agent's Lease. /readyz, the metrics
// and the answers to load balancers' health checks come from here too.

import type { AgentOptions } from "../../config/agent.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Node } from "../../kube/objects.ts";
import { Staleness } from "../../kube/staleness.ts";
import type { Store } from "../../kube/store.ts";
import type { AnyStore } from "../../kube/stores.ts";
import { Bell } from "../wait/bell.ts";
import { DataPlane, type Part, type Problem } from "./dataPlane.ts";
import { keepHeartbeat } from "./heartbeat.ts";
import { type IntegrationFlows, integrationFlows } from "./integrationFlows.ts";
import { Losses, type Outside } from "./losses.ts";
import { networkDegraded, networkUnavailable } from "./nodeConditions.ts";
import { NodeReporter } from "./nodeReporter.ts";
import { Readiness } from "./readiness.ts";
import { Repairs } from "./repairs.ts";

type Setting = "nodeName" | "clusterId" | "network" | "ovnRunDirectory" | "leaseNamespace" | "heartbeatMs";

export interface HealthOptions extends Pick<AgentOptions, Setting>, IntegrationFlows {
  readonly client: KubeClient;
  readonly nodes: Store<Node>;
  /** What else the agent watches, by kind. */
  readonly known: Readonly<Record<string, Pick<AnyStore, "freshness">>>;
  readonly isPooled: boolean;
}

export interface Health {
  readonly readiness: Readiness;
  readonly repairs: Repairs;
  /** To be called with how the node reaches the outside. */
  readonly outside: (outside: Outside) => void;
  /** To be called with why the ports of Services and pods could not be written; with undefined when they are. */
  readonly ports: (problem: Problem | undefined) => void;
  /** To be called with why what the agent says on its Node is refused; with undefined when it is not. */
  readonly announced: (refusal: string | undefined) => void;
  /** What keeps new pods away; undefined when nothing does. */
  readonly notReady: () => string | undefined;
  /** What pods cannot reach any more; undefined when the node has all it had. */
  readonly degraded: () => Problem | undefined;
  readonly faults: () => ReadonlyMap<Part, Problem | undefined>;
  /** Looks and reports until `signal` is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

const now = (): number => performance.now();

export function healthOf(options: HealthOptions): Health {
  const { client, nodes, nodeName, network, known, isPooled, repaired, log } = options;
  const unavailability = new Bell();
  const degradation = new Bell();

  const readiness = new Readiness(log, unavailability.ring);
  const repairs = new Repairs(() => {
    repaired();
    unavailability.ring();
  });
  const dataPlane = new DataPlane({
    ...options,
    ovnRunDirectory: network.mode === "underlay" ? undefined : options.ovnRunDirectory,
    flows: integrationFlows(options),
    changed: unavailability.ring,
  });
  // With a pool, pods start without the API server, so only a refusal is a fault.
  const staleness = new Staleness({ Node: nodes, ...known }, now, isPooled);
  let refusal: string | undefined;
  const problem = (): Problem | undefined =>
    dataPlane.problem() ??
    faultIn("WeftNotReady", readiness.notReady() ?? refusal) ??
    faultIn("HostNetworkContested", repairs.contested(now())) ??
    faultIn("ApiUnreachable", staleness.problem);

  const losses = new Losses(log, degradation.ring);
  let ports: Problem | undefined;
  const degraded = (): Problem | undefined => losses.problem() ?? ports;

  const node = (): Node | undefined => nodes.get("", nodeName);
  const reporting = { node, now, random: Math.random, log };
  return {
    ...{ readiness, repairs, degraded },
    outside: losses.look,
    ports: (found) => {
      ports = found;
      degradation.ring();
    },
    announced: (why) => {
      refusal = why;
      unavailability.ring();
    },
    notReady: () => problem()?.message,
    faults: () => dataPlane.faults(),
    run: async (signal) => {
      staleness.follow(signal);
      for (const { ring } of [unavailability, degradation]) nodes.subscribe(ring);
      const unavailable = { problem, news: unavailability, condition: networkUnavailable(client, signal) };
      const less = { problem: degraded, news: degradation, condition: networkDegraded(client, signal) };
      const beats = { ...options, node, cluster: options.clusterId, namespace: options.leaseNamespace };
      await Promise.all([
        dataPlane.run(signal),
        new NodeReporter({ ...reporting, ...unavailable }).run(signal),
        new NodeReporter({ ...reporting, ...less }).run(signal),
        keepHeartbeat({ ...beats, everyMs: options.heartbeatMs }, signal),
      ]);
    },
  };
}

const faultIn = (reason: string, message: string | undefined): Problem | undefined =>
  message === undefined ? undefined : { reason, message };
