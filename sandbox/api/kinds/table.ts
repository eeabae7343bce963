// All of the server's own kinds. A new kind is a file beside this one and a line here.

import { configMaps, secrets, serviceAccounts } from "./configuration.ts";
import { customResourceDefinitions } from "./customresourcedefinition.ts";
import { daemonSets } from "./daemonset.ts";
import { endpointSlices } from "./endpointslice.ts";
import { events } from "./event.ts";
import { jobs } from "./job.ts";
import type { Kind } from "./kind.ts";
import { leases } from "./lease.ts";
import { namespaces } from "./namespace.ts";
import { networkPolicies } from "./networkpolicy.ts";
import { nodes } from "./node.ts";
import { pods } from "./pod.ts";
import { podDisruptionBudgets } from "./poddisruptionbudget.ts";
import { services } from "./service.ts";
import { statefulSets } from "./statefulset.ts";
import { deployments, replicaSets } from "./workload.ts";

export const kinds: readonly Kind[] = [
  namespaces,
  nodes,
  pods,
  services,
  events,
  configMaps,
  secrets,
  serviceAccounts,
  deployments,
  replicaSets,
  endpointSlices,
  leases,
  networkPolicies,
  customResourceDefinitions,
  statefulSets,
  daemonSets,
  jobs,
  podDisruptionBudgets,
];
