// The balancer through which connections to endpoints that are gone are flushed once more (controller/lateFlush.ts). It
// balances nothing: in overlay mode it is on the join switch, and no packet enters that by a port where OVN balances;
// in underlay mode on the tenant's router, where no packet to a cluster address arrives, because it is translated on the
// switch before.

import type { Fact } from "../model/fact.ts";
import { type Cidr, contains, parseIp } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, mapOf } from "./facts.ts";

/** Virtual address -> endpoints that are gone, as OVN writes both. */
export type GoneEndpoints = ReadonlyMap<string, readonly string[]>;

export function lateFlushFacts(
  scope: Scope,
  owner: Owner,
  gone: GoneEndpoints,
  place: "join switch" | "tenant's router",
): readonly Fact[] {
  const { names } = scope;
  const facts = new FactList(scope, owner);
  const balancer = facts.row("Load_Balancer", names.lateFlush, {
    name: names.lateFlush,
    protocol: "udp",
    vips: new Map([...gone].map(([vip, endpoints]) => [vip, endpoints.join()])),
    options: mapOf({ ct_flush: "true", neighbor_responder: "none" }),
  });
  if (place === "join switch")
    facts.member("Logical_Switch", facts.ref("Logical_Switch", names.joinSwitch), "load_balancer", balancer);
  else
    facts.member(
      "Load_Balancer_Group",
      facts.ref("Load_Balancer_Group", names.answers),
      "load_balancer",
      balancer,
    );
  return facts.facts;
}

/** Those of virtual addresses in `ranges`. */
export const withinRanges = (gone: GoneEndpoints, ranges: readonly Cidr[]): GoneEndpoints =>
  new Map(
    [...gone].filter(([vip]) => {
      const ip = parseIp(vip.slice(0, vip.lastIndexOf(":")).replace(/^\[|\]$/g, ""));
      return ip && ranges.some((range) => contains(range, ip));
    }),
  );
