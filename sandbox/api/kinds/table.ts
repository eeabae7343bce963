// Every kind the server has. A new kind is a file beside this one and a line here.

import { configMaps, secrets, serviceAccounts } from "./configuration.ts";
import { endpointSlices } from "./endpointslice.ts";
import { events } from "./event.ts";
import type { Kind } from "./kind.ts";
import { leases } from "./lease.ts";
import { namespaces } from "./namespace.ts";
import { networkPolicies } from "./networkpolicy.ts";
import { nodes } from "./node.ts";
import { pods } from "./pod.ts";
import { services } from "./service.ts";
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
];

/** The kind that an owner reference or a body names. */
export const kindNamed = (apiVersion: string, kind: string): Kind | undefined =>
  kinds.find(
    (one) => one.kind === kind && apiVersion === (one.group ? `${one.group}/${one.version}` : one.version),
  );
