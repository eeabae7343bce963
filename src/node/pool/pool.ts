// The parts of a node's pool of ready ports, put together: the cache, its keeper, the answer to the controller, and
// the source of addresses that the CNI commands see.

import type { AgentOptions } from "../../config/agent.ts";
import type { AnnotationValues } from "../../kube/annotations.ts";
import type { ApiServer } from "../../kube/apiServer.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Log } from "../../kube/clock.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import type { PolicyStores } from "../../kube/policies.ts";
import type { Store } from "../../kube/store.ts";
import type { Cidr } from "../../model/ip.ts";
import type { Names } from "../../model/names.ts";
import type { Vswitch } from "../ovs/vswitch.ts";
import type { Writer } from "../ovs/writer.ts";
import { acknowledgeOffers } from "./acknowledge.ts";
import { PoolCache } from "./cache.ts";
import { PoolKeeper } from "./keeper.ts";
import { type Nodes, Offers } from "./offer.ts";
import { PolicyKnowledge } from "./policyKnowledge.ts";
import { type ClaimOutcome, PooledAddresses } from "./pooledAddresses.ts";
import type { CachedPort, PoolScope } from "./queueRow.ts";
import { Reservations } from "./reservations.ts";

export interface PoolOptions extends Pick<AgentOptions, "nodeName" | "network" | "restMs"> {
  readonly names: Names;
  readonly db: Vswitch;
  readonly writer: Writer;
  readonly nodes: Nodes;
  readonly client: KubeClient;
  readonly server: ApiServer;
  readonly pods: Store<Pod>;
  readonly policies: PolicyStores;
  readonly announce: (node: Node, values: AnnotationValues) => Promise<void>;
  readonly observe: (outcome: ClaimOutcome) => void;
  readonly log: Log;
}

export interface Pool {
  readonly addresses: PooledAddresses;
  /** Why no pod can have a port here yet. */
  readonly notReady: () => string | undefined;
  readonly ports: () => readonly CachedPort[];
  /** The node's subnets according to its ready ports; undefined when there are none. */
  readonly subnets: () => readonly Cidr[] | undefined;
  /** Runs until `signal` is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export function poolOf(options: PoolOptions): Pool {
  const { nodeName, names, network, db } = options;
  const scope: PoolScope = { names, nodeName, nested: network.mode === "underlay" };
  const cache = new PoolCache(db, scope);
  const offers = new Offers(scope, options.nodes, cache);
  const reservations = new Reservations();
  const shared = { ...options, scope, cache, offers, reservations };
  const keeper = new PoolKeeper({ ...shared, now: () => performance.now() });
  const knowledge = new PolicyKnowledge(options);
  return {
    addresses: new PooledAddresses({ ...shared, policies: knowledge }),
    notReady: keeper.notReady,
    ports: () => cache.ports().map(({ port }) => port),
    subnets: () => cache.subnets(),
    run: async (signal) => {
      knowledge.start(signal);
      const acknowledging = acknowledgeOffers({ ...shared, settled: () => keeper.settled() }, signal);
      await Promise.all([keeper.run(signal), acknowledging]);
    },
  };
}
