// A range of Service addresses that the API has beyond the configured ones.

import { resolvedNode } from "../decide/places.ts";
import type { Node } from "../kube/objects.ts";
import type { ServiceCidr } from "../kube/serviceCidr.ts";
import { formatCidr, formatIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { rangeProblem, serviceRangeFacts } from "../plan/serviceRange.ts";
import type { OwnerKind } from "./kind.ts";

export const serviceCidrKind: OwnerKind<"ServiceCIDR" | "Node"> = {
  name: "servicecidr",
  of: "ServiceCIDR",
  reads: {
    ServiceCIDR: (change) => sidesOf(change).map(ownerOfRange),
    Node: ({ old, new: node }, { ServiceCIDR: ranges }) =>
      (old && networksOf(old)) === (node && networksOf(node)) ? [] : [...ranges.values()].map(ownerOfRange),
  },
  tables: ["ACL", "Logical_Router", "Logical_Router_Policy", "Port_Group"],
  sees: ({ what }, { ServiceCIDR }) => (what === "tenant" ? [...ServiceCIDR.values()].map(ownerOfRange) : []),
  plan(owner, { name }, { scope, network, cloud, stores }) {
    const object = stores.ServiceCIDR.get("", name);
    if (!object) return { facts: [] };
    // Undecided nodes count too: a range that overlaps their network would not be planned again later.
    const nodes = [...stores.Node.values()].map(ownNetworks);
    const problem = rangeProblem(network, nodes, cloud.networks(), object.cidrs);
    if (problem !== undefined)
      return { notNow: `ServiceCIDR ${name}: ${problem}; packets to it are not kept inside the cluster` };
    const router = cloud.router();
    if (typeof router !== "string") return router;
    return { facts: serviceRangeFacts(scope, owner, network, object.cidrs, router) };
  },
};

/** The addresses that a node claims, decided or not. */
const ownNetworks = (node: Node): ResolvedNode => resolvedNode(node, { id: 0, subnets: [] }, undefined);

const networksOf = (node: Node): string => {
  const { hostAddresses, gateway } = ownNetworks(node);
  return [...hostAddresses.map(formatIp), ...(gateway?.addresses ?? []).map(formatCidr)].join();
};

const ownerOfRange = ({ name }: ServiceCidr): Owner => ownerOf("servicecidr", name);
