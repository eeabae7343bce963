// In underlay mode the cluster's ranges are on a router that others use as well. It drops packets to a Service range
// that belong to no Service, and routes a node's subnet to the node. So a range that overlaps a network of the router
// would cut that network off.

import { ConfigError } from "../config/error.ts";
import { formatCidr, overlaps } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Observed } from "../observe/observed.ts";
import type { Tenant, TenantView } from "../observe/tenant.ts";

export interface CloudRanges {
  readonly network: Pick<ClusterNetwork, "pods" | "services">;
  /** The northbound database must have been read. */
  readonly observed: Pick<Observed, "owners"> & {
    /** Undefined in overlay mode. */
    readonly tenant:
      | (Pick<TenantView, "router"> & { readonly tenant: () => Pick<Tenant, "networks"> | undefined })
      | undefined;
  };
}

/** Which configured range is somebody else's network too, for people; undefined when none is. */
export function takenRange({ network, observed: { tenant } }: CloudRanges): string | undefined {
  if (!tenant) return undefined;
  const ranges = [
    ...network.pods.map(({ cidr }) => ["--cluster-cidr", cidr] as const),
    ...network.services.map((cidr) => ["--service-cidr", cidr] as const),
  ];
  for (const taken of tenant.tenant()?.networks ?? [])
    for (const [flag, range] of ranges)
      if (overlaps(range, taken))
        return `${flag} ${formatCidr(range)} overlaps ${formatCidr(taken)}, a network of the cloud's router ${tenant.router}`;
  return undefined;
}

/**
 * Throws a `ConfigError` if a new cluster has such a range. A cluster that already has rows goes on, because stopping
 * the controller would not help its pods; the overlap is then reported as a problem (health.ts).
 */
export function requireFreeRanges(options: CloudRanges): void {
  const problem = takenRange(options);
  if (problem === undefined || !options.observed.owners()[Symbol.iterator]().next().done) return;
  throw new ConfigError(
    `${problem}: what is sent to machines there would be dropped or go to pods; choose another range`,
  );
}
