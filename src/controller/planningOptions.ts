// What planning needs from whoever plans: a term, a dry run or a golden test.

import type { Appliers } from "../apply/appliers.ts";
import type { Cloud } from "../cloud/cloud.ts";
import type { FloatingTell, ServiceTell, Tell } from "../decide/deciding.ts";
import type { WriteFloating } from "../decide/decisions.ts";
import type { Patch } from "../decide/durable.ts";
import type { PoolOptions } from "../decide/pools.ts";
import type { WriteServiceStatus } from "../decide/serviceStatus.ts";
import type { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import type { LearnedName } from "../kube/learnedName.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { Observed } from "../observe/observed.ts";
import type { Applied, Enforced, PlannerTell } from "./planner.ts";
import type { PolicyNews } from "./policyNews.ts";

export interface PlanningOptions {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  readonly cloud: Cloud;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: PoolOptions | undefined;
  readonly client: KubeClient;
  /** The server that `client` talks to and that fills the stores. */
  readonly server: ApiServer;
  readonly stores: Stores;
  readonly observed: Observed;
  readonly patch: Patch;
  /** What a Service may have as external IP. */
  readonly externalIps: readonly Cidr[];
  readonly writeServiceStatus: WriteServiceStatus;
  readonly writeFloating: WriteFloating;
  readonly tell: Tell & ServiceTell & FloatingTell & PlannerTell;
  readonly onPlanned: (owner: Owner, ms: number) => void;
  /** Undefined when nobody wants to know which policies are in force. */
  readonly policyNews?: PolicyNews;
  /** Says that this generation of what a name resolves to is in force; undefined when nothing is written. */
  readonly writeLearned?: (object: LearnedName, generation: number) => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface PlanningApplied extends Applied {
  /** Undefined when nothing is sent: then no pod waits for its policies, and nobody is told of them. */
  readonly reach?: Pick<Enforced, "installed"> & Pick<Appliers, "isCommitted" | "mark">;
}
