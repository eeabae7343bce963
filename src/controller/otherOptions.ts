// Whether the rows in the northbound database were made with other options than this controller has. A leader with
// other options would give running pods other ports, routers or addresses, so such a controller must not lead. The rows
// are the proof. Options count as different only if nothing that exists fits them: a single row may be wrong because
// somebody edited it, and a single node may be outside the ranges.

import { ConfigError } from "../config/error.ts";
import { type Cidr, contains, type Family, formatCidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Scope } from "../model/scope.ts";
import type { Built } from "../observe/builtRows.ts";
import type { Observed } from "../observe/observed.ts";
import type { TenantView } from "../observe/tenant.ts";

export interface Options {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: object | undefined;
  /** The northbound database must have been read. */
  readonly observed: Pick<Observed, "built"> & {
    readonly tenant: Pick<TenantView, "router"> | undefined;
  };
}

/** Throws a `ConfigError` that says with which options the rows were made. */
export function requireSameOptions({ scope, network, pools, observed }: Options): void {
  const built = observed.built();
  const made =
    otherRouter(scope, built, observed.tenant?.router) ??
    otherAddresses(built, pools !== undefined) ??
    otherRanges(network, built);
  if (made === undefined) return;
  const { cluster } = scope;
  throw new ConfigError(
    `the rows of cluster ${cluster} in the northbound database were made with ${made}: start this controller with that, or if the change is intended, remove all pods that have a port, stop every controller, and run weft teardown --cluster ${cluster}`,
  );
}

function otherRouter({ names }: Scope, { routers }: Built, tenants: string | undefined): string | undefined {
  const [router] = routers;
  if (router === undefined || routers.includes(tenants ?? names.clusterRouter)) return undefined;
  if (router === names.clusterRouter) return "--mode overlay";
  return tenants === undefined ? `--mode underlay --cloud-router ${router}` : `--cloud-router ${router}`;
}

/** The reverse does no harm: pods keep ports of their own when pools come. */
const otherAddresses = ({ pooled }: Built, hasPools: boolean): string | undefined =>
  pooled && !hasPools ? "--addresses pooled" : undefined;

function otherRanges({ pods, join, services }: ClusterNetwork, built: Built): string | undefined {
  const isPods = ({ ip, bits }: Cidr): boolean =>
    pods.some(({ cidr, nodeBits }) => nodeBits === bits && contains(cidr, ip));
  const isJoin = (network: Cidr): boolean => join.some((range) => formatCidr(range) === formatCidr(network));
  const isServices = ({ ip, bits }: Cidr): boolean =>
    services.some((range) => range.bits <= bits && contains(range, ip));
  return (
    stranger(built.nodeSubnets, isPods, (subnet) => `a --cluster-cidr with the node subnet ${subnet}`) ??
    stranger(built.joins, isJoin, (range) => `--join-cidr ${range}`) ??
    stranger(built.services, isServices, (range) => `--service-cidr ${range}`)
  );
}

/** What to say about a network whose family has none that fits. A family may be added, but not removed. */
function stranger(
  networks: readonly Cidr[],
  fits: (network: Cidr) => boolean,
  say: (network: string) => string,
): string | undefined {
  const ofFamilies = Map.groupBy(networks, ({ ip }): Family => ip.family);
  for (const ofFamily of ofFamilies.values()) {
    const [first] = ofFamily;
    if (first && !ofFamily.some(fits)) return say(formatCidr(first));
  }
  return undefined;
}
