// A pool of addresses for Services: packets to them stay in the cluster, even while no Service has
// them.

import { ownRanges, poolProblems } from "../decide/ownRanges.ts";
import type { AddressPool } from "../kube/addressPool.ts";
import { blocksOf } from "../model/ipRange.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { serviceRangeFacts } from "../plan/serviceRange.ts";
import type { OwnerKind } from "./kind.ts";

export const addressPoolKind: OwnerKind<"IPAddressPool" | "ServiceCIDR"> = {
  name: "ipaddresspool",
  of: "IPAddressPool",
  reads: {
    // One pool may be in another one's way.
    IPAddressPool: (change, { IPAddressPool: pools }) =>
      [...sidesOf(change), ...pools.values()].map(ownerOfPool),
    ServiceCIDR: (_, { IPAddressPool: pools }) => [...pools.values()].map(ownerOfPool),
  },
  nodes: {
    view: ({ hostAddresses }) => hostAddresses.map(({ value }) => String(value)).join(),
    owners: (_, { IPAddressPool: pools }) => [...pools.values()].map(ownerOfPool),
  },
  tables: ["ACL", "Logical_Router", "Logical_Router_Policy", "Port_Group"],
  sees: ({ what }, { IPAddressPool: pools }) =>
    what === "tenant" ? [...pools.values()].map(ownerOfPool) : [],
  plan(owner, { name }, { scope, network, cloud, stores, places }) {
    const pool = stores.IPAddressPool.get("", name);
    if (!pool) return { facts: [] };
    const own = ownRanges(network, stores.ServiceCIDR.values(), places.nodes());
    const problem = poolProblems(stores.IPAddressPool.values(), own).get(name);
    if (problem !== undefined)
      return { facts: [], malformed: `nobody gets an address of this pool: ${problem}` };
    const router = cloud.router();
    if (typeof router !== "string") return router;
    const blocks = pool.ranges.flatMap(blocksOf).filter(({ ip }) => network.families.includes(ip.family));
    return { facts: serviceRangeFacts(scope, owner, network, blocks, router) };
  },
};

const ownerOfPool = ({ name }: AddressPool): Owner => ownerOf("ipaddresspool", name);
