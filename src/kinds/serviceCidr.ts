// A range of Service addresses that the API has beyond the configured ones.

import type { ServiceCidr } from "../kube/serviceCidr.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { rangeProblem, serviceRangeFacts } from "../plan/serviceRange.ts";
import type { OwnerKind } from "./kind.ts";

export const serviceCidrKind: OwnerKind<"ServiceCIDR"> = {
  name: "servicecidr",
  of: "ServiceCIDR",
  reads: { ServiceCIDR: (change) => sidesOf(change).map(ownerOfRange) },
  tables: ["ACL", "Logical_Router", "Logical_Router_Policy", "Port_Group"],
  sees: ({ what }, { ServiceCIDR }) => (what === "tenant" ? [...ServiceCIDR.values()].map(ownerOfRange) : []),
  plan(owner, { name }, { scope, network, cloud, stores, places }) {
    const object = stores.ServiceCIDR.get("", name);
    if (!object) return { facts: [] };
    const problem = rangeProblem(network, places.nodes(), cloud.networks(), object.cidrs);
    if (problem !== undefined)
      return { notNow: `ServiceCIDR ${name}: ${problem}; packets to it are not kept inside the cluster` };
    const router = cloud.router();
    if (typeof router !== "string") return router;
    return { facts: serviceRangeFacts(scope, owner, network, object.cidrs, router) };
  },
};

const ownerOfRange = ({ name }: ServiceCidr): Owner => ownerOf("servicecidr", name);
