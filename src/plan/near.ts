// The balancers of a Service whose clients have endpoints of their own because of where they are (hints.ts). OVN balances on switches, and each node has its own. So endpoints that depend on the zone are a balancer for each zone, in a
// group that the switches of its nodes refer to. Those that depend on the node are balancers on the switches themselves.

import type { Near } from "../model/near.ts";
import type { Vip } from "./endpoints.ts";
import type { Distribution, HostView } from "./hosts.ts";

/** What the endpoints of these virtual addresses depend on. */
export function distributionOf(vips: readonly Vip[]): Distribution {
  if (vips.some(({ near }) => near?.kind === "node")) return "by node";
  return vips.some(({ near }) => near) ? "by zone" : "same everywhere";
}

/** A balancer, and the switches that have it. */
export interface NearBalancer {
  /** Whose clients it is for; undefined: everybody else's. */
  readonly near: Near | undefined;
  readonly vips: readonly Vip[];
  readonly places: readonly Place[];
}

/** The switch of one node, or those of all nodes in one zone, or in none. */
export type Place = { readonly node: HostView } | { readonly zone: string | undefined };

/**
 * The balancers for the virtual addresses of one protocol. Each of `places` has exactly one of them. The one for everybody else
 * is there even if no place has it.
 */
export function nearBalancers(vips: readonly Vip[], places: readonly Place[]): readonly NearBalancer[] {
  const named = new Set(vips.flatMap(({ near }) => (near ? keyOf(near) : [])));
  const nearest = (place: Place): Near | undefined => nearTo(place).find((near) => named.has(keyOf(near)));
  const groups = Map.groupBy<string | undefined, Place>(places, (place) => {
    const near = nearest(place);
    return near && keyOf(near);
  });
  const withRest = new Map<string | undefined, readonly Place[]>([[undefined, []], ...groups]);
  return [...withRest].map(([, group]) => {
    const [first] = group;
    return {
      near: first && nearest(first),
      vips: forThose(vips, first ? nearTo(first) : []),
      places: group,
    };
  });
}

/** What the clients of a place are near to, the nearest first. */
function nearTo(place: Place): readonly Near[] {
  const zone = "node" in place ? place.node.zone : place.zone;
  return [
    ...("node" in place ? [{ kind: "node", name: place.node.name } as const] : []),
    ...(zone === undefined ? [] : [{ kind: "zone", name: zone } as const]),
  ];
}

/** Each virtual address once, with the endpoints of the first of `nearby` that it has some for. */
function forThose(vips: readonly Vip[], nearby: readonly Near[]): readonly Vip[] {
  const byAddress = Map.groupBy(vips, ({ address: { ip, port } }) => `${ip.family} ${ip.value} ${port}`);
  return [...byAddress.values()].flatMap((same) => {
    const found = nearby.flatMap((one) => same.find(({ near }) => near && keyOf(near) === keyOf(one)) ?? []);
    return found[0] ?? same.filter(({ near }) => near === undefined);
  });
}

const keyOf = ({ kind, name }: Near): string => `${kind} ${name}`;
