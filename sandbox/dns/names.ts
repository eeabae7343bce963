// The records at each name of the cluster's zone, according to Kubernetes' "DNS-Based Service Discovery", version
// 1.1.0. Pure: an interface provides the cluster's data.

import type { SrvAnswer, StringAnswer, TxtAnswer } from "dns-packet";
import { parseIp } from "../../src/model/ip.ts";
import type { Endpoint, EndpointSlice, Service } from "../client/objects.ts";

export type DnsRecord = StringAnswer | SrvAnswer | TxtAnswer;

export interface ClusterNames {
  readonly hasNamespace: (name: string) => boolean;
  readonly service: (namespace: string, name: string) => Service | undefined;
  readonly slices: (namespace: string, name: string) => readonly EndpointSlice[];
  readonly servicesAt: (ip: string) => readonly Service[];
}

export const zone = "cluster.local";
const ttl = 5;

/**
 * The records of every type at `name`, which is in lower case. Undefined when the name does not exist; empty when there
 * are only names below it.
 */
export function recordsAt(name: string, names: ClusterNames): readonly DnsRecord[] | undefined {
  const labels = name.split(".").toReversed().slice(2); // without the zone's two
  const [branch, namespace, third, fourth, fifth, ...more] = labels;
  if (branch === undefined) return [];
  if (branch === "dns-version" && labels.length === 1) return [{ type: "TXT", name, ttl, data: "1.1.0" }];
  if ((branch !== "svc" && branch !== "pod") || more.length > 0) return undefined;
  if (namespace === undefined) return [];
  if (!names.hasNamespace(namespace)) return undefined;
  if (third === undefined) return [];
  if (branch === "pod") return fourth === undefined ? addressesOf(name, [dashedIp(third)]) : undefined;
  const service = names.service(namespace, third);
  if (!service) return undefined;
  const slices = names.slices(namespace, third);
  if (fourth === undefined) return serviceRecords(name, service, slices);
  if (fourth.startsWith("_")) return serverRecords(name, service, slices, fourth.slice(1), fifth?.slice(1));
  if (fifth !== undefined || !isHeadless(service)) return undefined;
  return addressesOf(
    name,
    endpointsOf(slices)
      .filter((one) => labelOf(one) === fourth)
      .flatMap(ipsOf),
  );
}

/** A PTR record for each Service with this address. */
export function reverseRecords(name: string, names: ClusterNames): readonly DnsRecord[] | undefined {
  const ip = reversedIp(name);
  const found = (ip === undefined ? [] : names.servicesAt(ip)).map(
    (service): DnsRecord => ({ type: "PTR", name, ttl, data: nameOf(service) }),
  );
  return found.length > 0 ? found : undefined;
}

const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === "None";

const nameOf = ({ metadata }: Service): string => `${metadata.name}.${metadata.namespace}.svc.${zone}`;

function serviceRecords(
  name: string,
  service: Service,
  slices: readonly EndpointSlice[],
): readonly DnsRecord[] {
  const { type, externalName = "", clusterIPs = [] } = service.spec ?? {};
  if (type === "ExternalName") return [{ type: "CNAME", name, ttl, data: externalName.replace(/\.$/, "") }];
  const ips = isHeadless(service) ? endpointsOf(slices).flatMap(ipsOf) : clusterIPs;
  return addressesOf(name, ips) ?? [];
}

/** At `_PORT._PROTOCOL.SERVICE…`. At `_PROTOCOL.SERVICE…`, which only has names below it, `port` is undefined. */
function serverRecords(
  name: string,
  service: Service,
  slices: readonly EndpointSlice[],
  protocol: string,
  port: string | undefined,
): readonly DnsRecord[] | undefined {
  const matches = (one: { readonly name?: string; readonly protocol?: string }): boolean =>
    (one.protocol ?? "TCP").toLowerCase() === protocol && (port === undefined || one.name === port);
  const record = (target: string, number: number): DnsRecord => ({
    type: "SRV",
    name,
    ttl,
    data: { priority: 0, weight: 100, port: number, target },
  });
  const found = isHeadless(service)
    ? slices.flatMap((slice) =>
        (slice.ports ?? [])
          .filter(matches)
          .flatMap((one) =>
            endpointsOf([slice]).map((endpoint) =>
              record(`${labelOf(endpoint)}.${nameOf(service)}`, one.port),
            ),
          ),
      )
    : (service.spec?.ports ?? []).filter(matches).map((one) => record(nameOf(service), one.port));
  if (found.length === 0) return undefined;
  return port === undefined ? [] : found;
}

/** The endpoints that are ready, or published as if they were. */
const endpointsOf = (slices: readonly EndpointSlice[]): readonly Endpoint[] =>
  slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);

const ipsOf = ({ addresses }: Endpoint): readonly string[] => addresses;

/** An endpoint's name below its Service: its hostname, or its address with dashes. */
const labelOf = ({ hostname, addresses: [address = ""] }: Endpoint): string =>
  hostname ?? address.replaceAll(/[.:]/g, "-");

function addressesOf(name: string, ips: readonly (string | undefined)[]): readonly DnsRecord[] | undefined {
  const records = ips.flatMap((data): DnsRecord[] => {
    const family = data === undefined ? undefined : parseIp(data)?.family;
    return data === undefined || family === undefined
      ? []
      : [{ type: family === 4 ? "A" : "AAAA", name, ttl, data }];
  });
  return records.length > 0 ? records : undefined;
}

/** `10-1-2-3` or `fd00--5`. */
function dashedIp(label: string): string | undefined {
  return [label.replaceAll("-", "."), label.replaceAll("-", ":")].find((text) => parseIp(text));
}

/** The address in `3.2.1.10.in-addr.arpa`, or in 32 digits before `ip6.arpa`, in its shortest form. */
function reversedIp(name: string): string | undefined {
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name)?.[1];
  if (v4 !== undefined) return v4.split(".").slice(0, 4).toReversed().join(".");
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  return v6
    ?.replaceAll(".", "")
    .split("")
    .toReversed()
    .join("")
    .replaceAll(/(....)(?=.)/g, "$1:");
}
