// A Service's endpoints as the real EndpointSlice controller computes them. Pure. Pods are grouped by address family and
// by the port numbers their names resolve to: pods that map one name to different numbers cannot share a slice.

import type { Endpoint, EndpointPort, Pod, Service } from "../client/objects.ts";
import { matchesLabels } from "./selectors.ts";

export type Family = "IPv4" | "IPv6";

/** Endpoints that may share a slice. */
export interface EndpointGroup {
  readonly family: Family;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** False for Services whose slices somebody else writes, or that have none. */
export function isManaged({ spec }: Service): boolean {
  return Object.keys(spec?.selector ?? {}).length > 0 && spec?.type !== "ExternalName";
}

/**
 * One group for each family and set of ports; a family without any endpoint has one empty group without ports. `zoneOf` tells
 * the zone of a node.
 */
export function endpointGroups(
  service: Service,
  pods: readonly Pod[],
  zoneOf: (node: string) => string | undefined = () => undefined,
): EndpointGroup[] {
  const selector = service.spec?.selector ?? {};
  const members = pods.filter(
    (pod) =>
      pod.metadata.namespace === service.metadata.namespace &&
      matchesLabels(selector, pod.metadata.labels ?? {}) &&
      pod.status?.phase !== "Succeeded" &&
      pod.status?.phase !== "Failed",
  );
  return familiesOf(service).flatMap((family) => {
    const groups = new Map<string, EndpointGroup & { endpoints: Endpoint[] }>();
    for (const pod of members) {
      const endpoint = endpointOf(service, pod, family, zoneOf);
      if (!endpoint) continue;
      const ports = portsOf(service, pod);
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { family, ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
    return groups.size > 0 ? [...groups.values()] : [{ family, ports: [], endpoints: [] }];
  });
}

function familiesOf({ spec }: Service): readonly Family[] {
  if (spec?.ipFamilies !== undefined && spec.ipFamilies.length > 0) return spec.ipFamilies;
  const ips = spec?.clusterIPs ?? [spec?.clusterIP ?? "None"];
  // A headless Service that names no family uses the families of its pods.
  return ips[0] === "None" ? ["IPv4", "IPv6"] : ips.map(familyOf);
}

const familyOf = (ip: string): Family => (ip.includes(":") ? "IPv6" : "IPv4");

function endpointOf(
  service: Service,
  pod: Pod,
  family: Family,
  zoneOf: (node: string) => string | undefined,
): Endpoint | undefined {
  const { metadata, spec, status } = pod;
  const addresses = (status?.podIPs ?? []).map(({ ip }) => ip).filter((ip) => familyOf(ip) === family);
  if (addresses.length === 0) return undefined;
  const terminating = metadata.deletionTimestamp !== undefined;
  const serving = (status?.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = spec.nodeName === undefined ? undefined : zoneOf(spec.nodeName);
  const named = spec.hostname !== undefined && spec.subdomain === service.metadata.name;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(named ? { hostname: spec.hostname } : {}),
    ...(spec.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(ready ? hintsFor(service, spec.nodeName, zone) : {}),
    targetRef: {
      kind: "Pod",
      namespace: metadata.namespace ?? "",
      name: metadata.name,
      uid: metadata.uid ?? "",
    },
  };
}

/** Clients prefer endpoints that are near (KEP-4444, KEP-3015): the real controller hints at an endpoint's own zone and node. */
function hintsFor(
  { spec }: Service,
  node: string | undefined,
  zone: string | undefined,
): Pick<Endpoint, "hints"> {
  const wish = spec?.trafficDistribution;
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  if (wish === "PreferSameNode" && node !== undefined)
    return { hints: { ...forZones, forNodes: [{ name: node }] } };
  const isByZone = wish === "PreferClose" || wish === "PreferSameZone";
  return isByZone && zone !== undefined ? { hints: forZones } : {};
}

/** The Service's ports with this pod's numbers. As in the real controller, a name that the pod does not have is left out. */
function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port): EndpointPort[] => {
    const protocol = port.protocol ?? "TCP";
    const number = targetPort(port.targetPort ?? port.port, protocol, pod);
    if (number === undefined) return [];
    const application = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
    return [{ name: port.name ?? "", protocol, port: number, ...application }];
  });
}

function targetPort(target: number | string, protocol: string, pod: Pod): number | undefined {
  if (typeof target === "number") return target;
  return pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .find((port) => port.name === target && (port.protocol ?? "TCP") === protocol)?.containerPort;
}
