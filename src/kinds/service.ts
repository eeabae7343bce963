// A Service with a virtual address: its load balancers.

import { formatIp } from "../model/ip.ts";
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
  nodes: {
    view: ({ hostAddresses, subnets }) =>
      [...hostAddresses, ...subnets.map(({ ip }) => ip)].map(formatIp).join(),
    owners: (_, { Service }) =>
      [...Service.values()].map(({ namespace, name }) => ownerOf("service", name, namespace)),
  },
  tables: ["Load_Balancer", "Load_Balancer_Group", "Logical_Switch"],
  plan(owner, { namespace, name }, { cloud, stores, nodes }) {
    const service = stores.Service.get(namespace, name);
    if (!service) return { facts: [] };
    const slices = stores.EndpointSlice.by("service", `${namespace}/${name}`);
    return saying(cloud.serviceFacts(owner, service, slices, nodes()));
  },
};
