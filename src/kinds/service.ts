// A Service with a virtual address: its load balancers.

import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type OwnerKind, saying } from "./kind.ts";

export const serviceKind: OwnerKind<"Service" | "EndpointSlice"> = {
  name: "service",
  of: "Service",
  reads: {
    Service: (change) => sidesOf(change).map(({ namespace, name }) => ownerOf("service", name, namespace)),
    EndpointSlice: (change) =>
      sidesOf(change)
        .filter(({ serviceName }) => serviceName !== "")
        .map(({ namespace, serviceName }) => ownerOf("service", serviceName, namespace)),
  },
  tables: ["Load_Balancer", "Load_Balancer_Group"],
  plan(owner, { namespace, name }, { cloud, stores, hosts }) {
    const service = stores.Service.get(namespace, name);
    const slices = service ? stores.EndpointSlice.by("service", `${namespace}/${name}`) : [];
    hosts.follow(owner, slices);
    if (!service) return { facts: [] };
    return saying(cloud.serviceFacts(owner, service, slices, hosts));
  },
};
