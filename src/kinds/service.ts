// A Service with a virtual address: its load balancers.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import { type Family, formatIp, parseIp } from "../model/ip.ts";
import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { balanced, nothing, type Vip } from "../plan/endpoints.ts";
import type { Hosts } from "../plan/hosts.ts";
import { distributionOf } from "../plan/near.ts";
import { type OwnerKind, type Sought, saying } from "./kind.ts";
import { othersAt, shareOf } from "./rivals.ts";

export const serviceKind: OwnerKind<"Service" | "EndpointSlice"> = {
  name: "service",
  of: "Service",
  reads: {
    Service: (change, { Service: services }) =>
      [...sidesOf(change), ...othersAt(sidesOf(change), services)].map(({ namespace, name }) =>
        ownerOf("service", name, namespace),
      ),
    EndpointSlice: (change) =>
      sidesOf(change)
        .filter(({ serviceName }) => serviceName !== "")
        .map(({ namespace, serviceName }) => ownerOf("service", serviceName, namespace)),
  },
  tables: ["ACL", "Load_Balancer", "Load_Balancer_Group", "Logical_Router", "Logical_Switch", "Port_Group"],
  plan(owner, { namespace, name }, { cloud, stores, hosts }) {
    const service = stores.Service.get(namespace, name);
    const slices = service ? stores.EndpointSlice.by("service", `${namespace}/${name}`) : [];
    const { vips: all, leftOut, malformed } = service ? balanced(service, slices) : nothing;
    const share = service && shareOf(service, all, stores.Service);
    const lacking = service && share && share.vips.length > 0 ? familiesWithoutSlices(service, slices) : [];
    // As long as Kubernetes has not written the endpoints, clients must not be refused as if there were none.
    const unsaid = service?.hasSelector === true ? lacking : [];
    const vips = (share?.vips ?? []).filter(({ address }) => !unsaid.includes(address.ip.family));
    hosts.follow(
      owner,
      vips.flatMap(({ targets }) => targets.map(({ ip }) => ip)),
      [...vips.flatMap(({ node }) => node ?? []), ...(service?.announcers ?? []).map(({ node }) => node)],
      distributionOf(vips),
    );
    if (!service || !share) return { facts: [] };
    const said = cloud.serviceFacts(owner, share.service, vips, hosts);
    if ("notNow" in said) return saying(said);
    return {
      facts: said,
      ...{ leftOut, malformed, taken: share.taken, unserved: unservedOf(service, vips, hosts) },
      ...(lacking.length > 0 &&
        (service.hasSelector ? { doubt: "untrusted", lacks: slicesOf(service) } : { doubt: "missing" })),
    };
  },
};

/** The gateway router keeps the client's address, and a node's own server would answer past the router. */
function unservedOf(service: Service, vips: readonly Vip[], hosts: Hosts): string | undefined {
  if (service.externalTrafficPolicy !== "Local") return undefined;
  const isHost = ({ ip, nodeName }: Vip["targets"][number]): boolean => hosts.targetOf(ip, nodeName) !== ip;
  const found = vips
    .filter(({ isWayIn, isOutside }) => isWayIn || isOutside)
    .flatMap(({ targets }) => targets.filter(isHost))[0];
  return (
    found &&
    `Weft does not serve this: externalTrafficPolicy: Local with an endpoint in the host's network, as ${formatIp(found.ip)} on ${found.nodeName}; clients from outside get no answer there`
  );
}

const slicesOf = ({ namespace, name }: Service): Sought => ({
  ...{ kind: "EndpointSlice", namespace, selector: `kubernetes.io/service-name=${name}` },
});

/** Kubernetes keeps an empty slice of each family even for a Service that selects nothing. */
const familiesWithoutSlices = (
  { clusterIps }: Service,
  slices: readonly EndpointSlice[],
): readonly Family[] =>
  clusterIps.flatMap((text) => {
    const family = parseIp(text)?.family;
    return family === undefined || slices.some(({ addressType }) => addressType === `IPv${family}`)
      ? []
      : family;
  });
