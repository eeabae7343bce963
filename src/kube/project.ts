// Projections: an object as the API sent it ▶ the slim frozen object of objects.ts. Input is distrusted here and
// nowhere behind: a malformed field is treated as absent, and an object without an identity is refused (undefined).
// Defaults are those of the API's documentation. Addresses come out in canonical form (RFC 5952).

import type { HostPort } from "../model/hostPort.ts";
import { formatIp, type Ip, parseIp } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import { isOrdinary } from "../model/specialAddresses.ts";
import type { TrafficPolicies } from "../model/wayIn.ts";
import type { Interner } from "./intern.ts";
import { integer, type Json, list, oneOf, record, text, texts } from "./json.ts";
import type {
  Endpoint,
  EndpointPort,
  EndpointSlice,
  Namespace,
  Node,
  ObjectMeta,
  Pod,
  Service,
  ServicePort,
} from "./objects.ts";
import { degradedCondition } from "./objects.ts";
import { outerAddressesOf } from "./outerAddresses.ts";
import { profileClaimsOf } from "./profileClaims.ts";
import { quantityOf } from "./quantity.ts";
import { unservedIn } from "./unserved.ts";

export type Projection<T> = (object: unknown, intern: Interner) => T | undefined;

const annotationsRead: ReadonlySet<string> = new Set(Object.values(annotations));
const protocols = ["TCP", "UDP", "SCTP"] as const;
const phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown"] as const;
const serviceTypes = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] as const;
const addressTypes = ["IPv4", "IPv6", "FQDN"] as const;
const defaultAffinitySeconds = 10_800;

/** The part that all kinds share; undefined without name, uid or resourceVersion. */
export function metaOf(object: unknown, intern: Interner): ObjectMeta | undefined {
  const metadata = record(record(object).metadata);
  const name = text(metadata.name);
  const uid = text(metadata.uid);
  const resourceVersion = text(metadata.resourceVersion);
  if (name === "" || uid === "" || resourceVersion === "") return undefined;
  return {
    namespace: intern.text(text(metadata.namespace)),
    name,
    uid,
    resourceVersion,
    labels: intern.record(textEntries(metadata.labels)),
    annotations: Object.freeze(
      Object.fromEntries(textEntries(metadata.annotations).filter(([key]) => annotationsRead.has(key))),
    ),
    deletionTimestamp: text(metadata.deletionTimestamp) || undefined,
  };
}

export const nodeOf: Projection<Node> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const status = record(record(object).status);
  const internal = records(status.addresses).filter((address) => address.type === "InternalIP");
  const allocatable = record(status.allocatable);
  const conditions = records(status.conditions);
  const network = conditions.find(({ type }) => type === "NetworkUnavailable");
  const degraded = conditions.find((each) => each.type === degradedCondition && each.status === "True");
  return Object.freeze({
    kind: "Node",
    ...meta,
    unserved: unservedIn("Node", object),
    internalIps: Object.freeze(addresses(internal.map((address) => address.address))),
    networkUnavailable: network?.status === "True",
    ...(network && {
      networkCondition: Object.freeze({ reason: text(network.reason), message: text(network.message) }),
    }),
    ...(degraded && {
      networkDegraded: Object.freeze({ reason: text(degraded.reason), message: text(degraded.message) }),
    }),
    allocatable: Object.freeze({
      pods: Math.floor(quantityOf(allocatable.pods) ?? 0),
      cpus: quantityOf(allocatable.cpu) ?? 0,
      memoryBytes: quantityOf(allocatable.memory) ?? 0,
    }),
  });
};

export const namespaceOf: Projection<Namespace> = (object, intern) => {
  const meta = metaOf(object, intern);
  return meta && Object.freeze({ kind: "Namespace", ...meta });
};

export const podOf: Projection<Pod> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const status = record(record(object).status);
  const ips = addresses(records(status.podIPs).map((entry) => entry.ip));
  const profiles = spec.hostNetwork === true ? undefined : profileClaimsOf(meta.annotations);
  return Object.freeze({
    kind: "Pod",
    ...meta,
    nodeName: intern.text(text(spec.nodeName)),
    unserved: unservedIn("Pod", object),
    hostNetwork: spec.hostNetwork === true,
    phase: text(status.phase) === "" ? "Pending" : (oneOf(phases, status.phase) ?? "Unknown"),
    podIps: Object.freeze(ips.length > 0 ? ips : addresses([status.podIP])),
    ...namedPortsOf(spec),
    ...hostPortsOf(spec),
    ...(profiles && { profiles }),
  });
};

/** Init containers count, too: those that restart run beside the others (KEP-753). */
function namedPortsOf(spec: Json): Pick<Pod, "namedPorts"> {
  const namedPorts = [...records(spec.initContainers), ...records(spec.containers)].flatMap((container) =>
    records(container.ports).flatMap((entry) => {
      const protocol = protocolOf(entry);
      const port = integer(entry.containerPort, 1, 65_535);
      const name = text(entry.name);
      return name !== "" && protocol && port ? [Object.freeze({ name, protocol, port })] : [];
    }),
  );
  return namedPorts.length === 0 ? {} : { namedPorts: Object.freeze(namedPorts) };
}

/** Of the init containers only those that restart keep a port open (KEP-753). */
function hostPortsOf(spec: Json): Pick<Pod, "hostPorts"> {
  if (spec.hostNetwork === true) return {};
  const containers = [
    ...records(spec.initContainers).filter(({ restartPolicy }) => restartPolicy === "Always"),
    ...records(spec.containers),
  ];
  const hostPorts = containers.flatMap((container) => records(container.ports).flatMap(hostPortOf));
  return hostPorts.length === 0 ? {} : { hostPorts: Object.freeze(hostPorts) };
}

/** One port, or none where there is no host port or the entry is malformed. */
function hostPortOf(entry: Json): readonly HostPort[] {
  const protocol = protocolOf(entry);
  const port = integer(entry.containerPort, 1, 65_535);
  const hostPort = integer(entry.hostPort, 1, 65_535);
  const isEverywhere = text(entry.hostIP) === "";
  const hostIp = parseIp(text(entry.hostIP));
  if (!protocol || !port || !hostPort || !(isEverywhere || hostIp)) return [];
  return [Object.freeze({ protocol, hostPort, port, ...(hostIp && { hostIp }) })];
}

export const serviceOf: Projection<Service> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const ips = addresses(list(spec.clusterIPs));
  return Object.freeze({
    kind: "Service",
    ...meta,
    type: oneOf(serviceTypes, spec.type) ?? "ClusterIP",
    clusterIps: Object.freeze(ips.length > 0 ? ips : addresses([spec.clusterIP])),
    hasSelector: Object.keys(record(spec.selector)).length > 0,
    ports: Object.freeze(records(spec.ports).flatMap(servicePorts)),
    affinitySeconds: spec.sessionAffinity === "ClientIP" ? affinityOf(spec) : 0,
    publishNotReadyAddresses: spec.publishNotReadyAddresses === true,
    ...wayInOf(spec),
    ...outerAddressesOf(
      object,
      meta.annotations[annotations.loadBalancerIps],
      meta.annotations[annotations.allowSharedIp],
    ),
  });
};

export const endpointSliceOf: Projection<EndpointSlice> = (object, intern) => {
  const meta = metaOf(object, intern);
  const slice = record(object);
  const addressType = oneOf(addressTypes, slice.addressType);
  if (!meta || !addressType) return undefined;
  const special: string[] = [];
  return Object.freeze({
    kind: "EndpointSlice",
    ...meta,
    serviceName: text(meta.labels["kubernetes.io/service-name"]),
    addressType,
    endpoints: Object.freeze(
      records(slice.endpoints)
        .map((entry) => endpointOf(entry, addressType, intern, special))
        .toSorted(byPlace),
    ),
    ports: Object.freeze(records(slice.ports).flatMap(endpointPorts)),
    ...(special.length > 0 && { special: Object.freeze(special) }),
  });
};

/** What concerns node ports and traffic from outside. */
function wayInOf(spec: Json): Pick<Service, keyof TrafficPolicies | "healthCheckNodePort"> {
  const health = integer(spec.healthCheckNodePort, 1, 65_535);
  return {
    ...(spec.internalTrafficPolicy === "Local" && { internalTrafficPolicy: "Local" }),
    ...(spec.externalTrafficPolicy === "Local" && { externalTrafficPolicy: "Local" }),
    ...(health !== undefined && { healthCheckNodePort: health }),
  };
}

/** One port, or none when the entry is malformed. */
function servicePorts(entry: Json): readonly ServicePort[] {
  const protocol = protocolOf(entry);
  const port = integer(entry.port, 1, 65_535);
  const nodePort = integer(entry.nodePort, 1, 65_535);
  return protocol && port
    ? [Object.freeze({ name: text(entry.name), protocol, port, ...(nodePort && { nodePort }) })]
    : [];
}

function endpointPorts(entry: Json): readonly EndpointPort[] {
  const protocol = protocolOf(entry);
  const port = integer(entry.port, 1, 65_535);
  const absent = entry.port === undefined || entry.port === null;
  return protocol && (port || absent) ? [Object.freeze({ name: text(entry.name), protocol, port })] : [];
}

/** Adds to `special` what no endpoint can have. */
function endpointOf(
  entry: Json,
  addressType: EndpointSlice["addressType"],
  intern: Interner,
  special: string[],
): Endpoint {
  const { ready, serving, terminating } = record(entry.conditions);
  // discovery.k8s.io/v1: an absent `ready` means true, and an absent `serving` means the same as `ready`.
  const isReady = ready !== false;
  return Object.freeze({
    addresses: Object.freeze(
      addressType === "FQDN"
        ? texts(entry.addresses)
        : ips(list(entry.addresses))
            .filter(({ family }) => (family === 6) === (addressType === "IPv6"))
            .flatMap((ip) => {
              if (isOrdinary(ip)) return [formatIp(ip)];
              special.push(formatIp(ip));
              return [];
            }),
    ),
    ready: isReady,
    serving: typeof serving === "boolean" ? serving : isReady,
    terminating: terminating === true,
    nodeName: intern.text(text(entry.nodeName)),
    ...hintsOf(entry, intern),
  });
}

/** The API allows eight of each. */
const mostHints = 8;

function hintsOf(entry: Json, intern: Interner): Pick<Endpoint, "hints"> {
  const hints = record(entry.hints);
  const namesIn = (value: unknown): readonly string[] =>
    Object.freeze(
      records(value)
        .slice(0, mostHints)
        .flatMap(({ name }) => (text(name) === "" ? [] : [intern.text(text(name))])),
    );
  const [zones, nodes] = [namesIn(hints.forZones), namesIn(hints.forNodes)];
  return zones.length + nodes.length === 0 ? {} : { hints: Object.freeze({ zones, nodes }) };
}

function byPlace(a: Endpoint, b: Endpoint): number {
  const [one = ""] = a.addresses;
  const [other = ""] = b.addresses;
  if (one !== other) return one < other ? -1 : 1;
  return a.nodeName === b.nodeName ? 0 : a.nodeName < b.nodeName ? -1 : 1;
}

const affinityOf = (spec: Json): number =>
  integer(record(record(spec.sessionAffinityConfig).clientIP).timeoutSeconds, 1, 86_400) ??
  defaultAffinitySeconds;

const protocolOf = (entry: Json): ServicePort["protocol"] | undefined =>
  entry.protocol === undefined || entry.protocol === null ? "TCP" : oneOf(protocols, entry.protocol);

/** The IP addresses among `values`, in canonical form; anything else (`None`, "") is left out. */
const addresses = (values: readonly unknown[]): readonly string[] => ips(values).map(formatIp);

const ips = (values: readonly unknown[]): readonly Ip[] =>
  values.flatMap((value) => (typeof value === "string" ? (parseIp(value) ?? []) : []));

const records = (value: unknown): readonly Json[] => list(value).map(record);

const textEntries = (value: unknown): readonly (readonly [string, string])[] =>
  Object.entries(record(value)).filter(isTextEntry);

const isTextEntry = (entry: readonly [string, unknown]): entry is [string, string] =>
  typeof entry[1] === "string";
