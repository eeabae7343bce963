// Forgets how UDP packets to a Service were sent to an endpoint that has gone. UDP has no end of a connection: a client
// that goes on sending keeps its entry in the connection tracker alive, and OVN keeps sending to nobody.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import { type Ip, parseIp } from "../model/ip.ts";
import { type Match, towards } from "./ovs/conntrack.ts";

/**
 * When to flush after the endpoint went. OVN's flows follow the API a little later, and until they do, the next packet
 * makes the entry anew; this node cannot see when that is over (OVN itself flushes from 23.06 on, option ct_flush).
 */
const flushAfterMs = [0, 1000, 10_000];

export type Ways = ReadonlyMap<string, Match>;

/** Every way that UDP packets to `service` may be sent now, by its text. */
export function udpWays(service: Service | undefined, slices: readonly EndpointSlice[]): Ways {
  const ways = new Map<string, Match>();
  for (const vip of addressesOf(service?.clusterIps ?? [])) {
    for (const { name, port } of service?.ports.filter(({ protocol }) => protocol === "UDP") ?? []) {
      for (const backend of backendsOf(slices, name, service?.publishNotReadyAddresses ?? false)) {
        if (backend.ip.family !== vip.family) continue;
        const match = towards({ ip: vip, port }, backend);
        ways.set(match.join(" "), match);
      }
    }
  }
  return ways;
}

export interface StaleUdpOptions {
  readonly services: Store<Service>;
  readonly slices: Store<EndpointSlice>;
  /** Does not reject. */
  readonly flush: (matches: readonly Match[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Flushes, from now on and until `signal` is aborted, what becomes stale. */
export function followStaleUdp({ services, slices, flush, signal }: StaleUdpOptions): void {
  /** `shop/web` -> how its packets may be sent */
  const known = new Map<string, Ways>();
  const timers = new Set<NodeJS.Timeout>();
  const update = (service: string): void => {
    const [namespace = "", name = ""] = service.split("/");
    const before = known.get(service);
    const now = udpWays(services.get(namespace, name), slices.by("service", service));
    if (now.size > 0) known.set(service, now);
    else known.delete(service);
    const stale = [...(before ?? [])].filter(([text]) => !now.has(text)).map(([, match]) => match);
    if (stale.length === 0) return;
    for (const delay of flushAfterMs) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        void flush(stale);
      }, delay);
      timers.add(timer);
    }
  };
  const ends = [
    services.subscribe((changes) => {
      for (const change of changes) {
        const object = change.new ?? change.old;
        if (object) update(`${object.namespace}/${object.name}`);
      }
    }),
    slices.subscribe((changes) => {
      const touched = changes.flatMap((change) => [change.old, change.new]);
      const names = touched.flatMap((slice) =>
        slice && slice.serviceName !== "" ? [`${slice.namespace}/${slice.serviceName}`] : [],
      );
      for (const service of new Set(names)) update(service);
    }),
  ];
  signal.addEventListener("abort", () => {
    for (const end of ends) end();
    for (const timer of timers) clearTimeout(timer);
  });
}

function* backendsOf(
  slices: readonly EndpointSlice[],
  portName: string,
  notReadyToo: boolean,
): Generator<{ readonly ip: Ip; readonly port: number }> {
  for (const { endpoints, ports } of slices) {
    for (const { name, protocol, port } of ports) {
      if (name !== portName || protocol !== "UDP" || port === undefined) continue;
      for (const endpoint of endpoints) {
        if (!notReadyToo && !endpoint.ready && !endpoint.serving) continue;
        for (const ip of addressesOf(endpoint.addresses)) yield { ip, port };
      }
    }
  }
}

const addressesOf = (texts: readonly string[]): readonly Ip[] => texts.flatMap((text) => parseIp(text) ?? []);
