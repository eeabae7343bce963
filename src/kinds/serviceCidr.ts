// A range of Service addresses that the API has beyond the configured ones.

import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { serviceRangeFacts } from "../plan/serviceRange.ts";
import type { OwnerKind } from "./kind.ts";

export const serviceCidrKind: OwnerKind<"ServiceCIDR"> = {
  name: "servicecidr",
  of: "ServiceCIDR",
  reads: { ServiceCIDR: (change) => sidesOf(change).map(({ name }) => ownerOf("servicecidr", name)) },
  tables: ["ACL", "Logical_Router", "Logical_Router_Policy", "Port_Group"],
  plan(owner, { name }, { scope, network, cloud, stores }) {
    const object = stores.ServiceCIDR.get("", name);
    if (!object) return { facts: [] };
    const router = cloud.router();
    if (typeof router !== "string") return router;
    return { facts: serviceRangeFacts(scope, owner, network, object.cidrs, router) };
  },
};
