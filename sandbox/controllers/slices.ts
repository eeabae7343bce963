// Compares a Service's endpoint groups with its existing slices, and returns the writes that are needed. Pure.
// Endpoints stay in their slice, so a rollout rewrites few slices. A slice that is no longer needed is reused for
// another group.

import { isDeepStrictEqual } from "node:util";
import type { Endpoint, EndpointPort, EndpointSlice, Service } from "../client/objects.ts";
import type { EndpointGroup } from "./endpoints.ts";

export const managedBy = "endpointslice.kubernetes.io/managed-by";
export const serviceName = "kubernetes.io/service-name";
export const managerName = "endpointslice-controller.k8s.io";
const headless = "service.kubernetes.io/headless";
const mostEndpoints = 100;

export interface SliceWrites {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Endpoints for one slice: an existing slice that holds some of them, or one still to be found or created. */
interface Place {
  readonly slice: EndpointSlice | undefined;
  readonly group: EndpointGroup;
  readonly endpoints: readonly Endpoint[];
}

/** @param existing this Service's slices made by this controller. */
export function sliceWrites(
  service: Service,
  groups: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
): SliceWrites {
  const places = groups.flatMap((group) =>
    placesOf(
      group,
      existing.filter((slice) => fits(slice, group)),
    ),
  );
  const spare = new Set(existing);
  for (const { slice } of places) if (slice) spare.delete(slice);
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  for (const { slice, group, endpoints } of places) {
    const old = slice ?? reusable(spare, group);
    if (!old) {
      create.push(newSlice(service, group, endpoints));
      continue;
    }
    spare.delete(old);
    const metadata = { ...old.metadata, labels: labelsOf(service) };
    const next = { ...old, metadata, ports: group.ports, endpoints };
    if (!isDeepStrictEqual(next, old)) update.push(next);
  }
  return { create, update, remove: [...spare] };
}

function placesOf(group: EndpointGroup, own: readonly EndpointSlice[]): Place[] {
  const left = new Map(group.endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
  const kept = own.map((slice) => ({ slice, endpoints: takeThoseIn(slice, left) }));
  const held = kept.filter(({ endpoints }) => endpoints.length > 0);
  const rest = [...left.values()];
  for (const { endpoints } of held) endpoints.push(...rest.splice(0, mostEndpoints - endpoints.length));
  const chunks = chunksOf(rest, mostEndpoints);
  if (held.length === 0 && chunks.length === 0) chunks.push([]); // the placeholder of a group without endpoints
  return [
    ...held.map((place) => ({ ...place, group })),
    ...chunks.map((endpoints) => ({ slice: undefined, group, endpoints })),
  ];
}

/** The slice's endpoints as they are now, removed from `left`. */
function takeThoseIn(slice: EndpointSlice, left: Map<string, Endpoint>): Endpoint[] {
  return (slice.endpoints ?? []).flatMap((endpoint) => {
    const found = left.get(keyOf(endpoint));
    left.delete(keyOf(endpoint));
    return found ? [found] : [];
  });
}

/** A slice's address type can never change; its ports can. One that already has the right ports is best. */
function reusable(spare: ReadonlySet<EndpointSlice>, group: EndpointGroup): EndpointSlice | undefined {
  const sameFamily = [...spare].filter((slice) => slice.addressType === group.family);
  return sameFamily.find((slice) => fits(slice, group)) ?? sameFamily[0];
}

function fits(slice: EndpointSlice, group: EndpointGroup): boolean {
  const plain = (ports: readonly EndpointPort[]) =>
    ports.map(({ name, protocol, port, appProtocol }) => [name, protocol, port, appProtocol]);
  return (
    slice.addressType === group.family && isDeepStrictEqual(plain(slice.ports ?? []), plain(group.ports))
  );
}

/** A pod keeps its place when only its conditions change. */
const keyOf = (endpoint: Endpoint): string => `${endpoint.targetRef?.uid} ${endpoint.addresses.join(" ")}`;

function newSlice(service: Service, group: EndpointGroup, endpoints: readonly Endpoint[]): EndpointSlice {
  const { name, namespace = "", uid = "" } = service.metadata;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "",
      generateName: `${name}-`,
      namespace,
      labels: labelsOf(service),
      ownerReferences: [
        { apiVersion: "v1", kind: "Service", name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType: group.family,
    ports: group.ports,
    endpoints,
  };
}

/** The Service's own labels, and those that slices are found by. */
function labelsOf({ metadata, spec }: Service): Record<string, string> {
  return {
    ...metadata.labels,
    [serviceName]: metadata.name,
    [managedBy]: managerName,
    ...(spec?.clusterIP === "None" ? { [headless]: "" } : {}),
  };
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
