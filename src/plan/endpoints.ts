// Which endpoints a Service's port balances over, from the Service's EndpointSlices. The rules are kube-proxy's: slices
// may overlap while endpoints move between them, and a rolling update may leave nothing ready.

import type { Endpoint, EndpointPort, EndpointSlice, Service, ServicePort } from "../kube/objects.ts";
import { type Family, formatIp, type Ip, parseIp } from "../model/ip.ts";
import type { Hosts } from "./hosts.ts";

export interface Backend {
  readonly ip: Ip;
  readonly port: number;
}

/** The labels that assign a Service or slice to another proxy. */
const notForUs = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"] as const;

/** Whether a Service or slice is left to another proxy. */
export const isForeign = ({ labels }: Service | EndpointSlice): boolean =>
  notForUs.some((label) => Object.hasOwn(labels, label));

/**
 * The ready endpoints or, when there are none, those that still serve while they terminate. Sorted and without
 * duplicates. An endpoint in two slices is ready if one of them says so. `hosts` knows where to reach endpoints in a
 * host's network.
 */
export function backendsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  port: ServicePort,
  family: Family,
  hosts: Hosts,
): readonly Backend[] {
  const ready = new Map<string, Backend>();
  const fallback = new Map<string, Backend>();
  for (const slice of slices) {
    if (slice.addressType !== `IPv${family}` || isForeign(slice)) continue;
    for (const number of slice.ports.flatMap((slicePort) => numberOf(slicePort, port))) {
      for (const endpoint of slice.endpoints) {
        const backend = backendOf(endpoint, number, family, hosts);
        if (!backend) continue;
        if (endpoint.ready || service.publishNotReadyAddresses) ready.set(formatBackend(backend), backend);
        else if (endpoint.serving && endpoint.terminating) fallback.set(formatBackend(backend), backend);
      }
    }
  }
  return [...(ready.size > 0 ? ready : fallback).values()].toSorted(byAddress);
}

/** As OVN writes an address with a port: `10.244.1.5:80`, `[fd00::5]:80`. */
export const formatBackend = ({ ip, port }: Backend): string =>
  ip.family === 4 ? `${formatIp(ip)}:${port}` : `[${formatIp(ip)}]:${port}`;

/** Port numbers differ between slices when pods of one Service use one name for different ports. */
const numberOf = (slicePort: EndpointPort, port: ServicePort): readonly number[] =>
  slicePort.name === port.name && slicePort.protocol === port.protocol && slicePort.port !== undefined
    ? [slicePort.port]
    : [];

/** All addresses of an endpoint are equivalent, so the first will do (EndpointSlice API). */
function backendOf(
  { addresses, nodeName }: Endpoint,
  port: number,
  family: Family,
  hosts: Hosts,
): Backend | undefined {
  const ip = parseIp(addresses[0] ?? "");
  return ip?.family === family ? { ip: hosts.targetOf(ip, nodeName), port } : undefined;
}

function byAddress(a: Backend, b: Backend): number {
  if (a.ip.value !== b.ip.value) return a.ip.value < b.ip.value ? -1 : 1;
  return a.port - b.port;
}
