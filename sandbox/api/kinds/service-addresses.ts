// Gives Services their cluster addresses and node ports. What is taken is read from the stored Services, so there is
// nothing to release and nothing to repair.

import {
  addressAt,
  type Cidr,
  contains,
  type Family,
  formatCidr,
  formatIp,
  parseIp,
  sizeOf,
} from "../../../src/model/ip.ts";
import type { Causes } from "../causes.ts";
import {
  at,
  type Json,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  printed,
  sameJson,
  textAt,
  withDefaults,
  without,
} from "../json.ts";
import type { KubeObject } from "../objects.ts";

const nodePorts = { first: 30_000, last: 32_767 };

/** `cidrs` has at most one per family; the first is the family of a Service that does not choose. */
export interface ServiceAddresses {
  readonly cidrs: readonly Cidr[];
}

/**
 * The Service with clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy and node ports filled in. `others` are all other
 * Services. `old` is the stored state, whose addresses are kept.
 */
export function allocated(
  service: KubeObject,
  old: KubeObject | undefined,
  others: readonly KubeObject[],
  { cidrs }: ServiceAddresses,
  causes: Causes,
): KubeObject {
  const spec = inherited(objectAt(service, "spec"), objectAt(old, "spec"));
  const type = textAt(spec, "type");
  if (type === "ExternalName")
    return { ...service, spec: without(spec, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy") };
  const asked = askedIps(spec, listAt(spec, "clusterIPs"));
  const headless = asked[0] === "None";
  const families = familiesOf(spec, headless ? [] : asked, cidrs, causes);
  const clusterIps = headless ? ["None"] : clusterIpsOf(asked, families, others, cidrs, causes);
  const external =
    type === "NodePort" ||
    (type === "LoadBalancer" && objectAt(service, "spec")["allocateLoadBalancerNodePorts"] !== false);
  const ports = external
    ? portsOf(spec, others, causes)
    : listAt(spec, "ports").map((port) => without(objectAt(port), "nodePort"));
  return {
    ...service,
    spec: {
      ...spec,
      ...(spec["ports"] !== undefined && { ports }),
      clusterIP: clusterIps[0] ?? "",
      clusterIPs: clusterIps,
      ...healthPortOf(spec, ports, others),
      ipFamilies: families.map((family) => `IPv${family}`),
      ipFamilyPolicy:
        textAt(spec, "ipFamilyPolicy") || (families.length > 1 ? "RequireDualStack" : "SingleStack"),
    },
  };
}

/** `kubectl replace` leaves out what the server assigned, so an update keeps it. */
function inherited(spec: JsonObject, old: JsonObject): JsonObject {
  if (textAt(old, "clusterIP") === "") return spec;
  const { clusterIPs, ipFamilies, ipFamilyPolicy } = old;
  const asked = askedIps(spec, listAt(old, "clusterIPs"));
  const kept = withDefaults(spec, { ipFamilies, ipFamilyPolicy });
  const ports = listAt(spec, "ports").map((port) => withNodePort(port, listAt(old, "ports")));
  const ips = asked.length > 0 ? asked : listAt(old, "clusterIPs");
  const shrinks = textAt(kept, "ipFamilyPolicy") === "SingleStack" && ipFamilyPolicy !== "SingleStack";
  const all = { ...kept, ports, clusterIP: ips[0], clusterIPs: ips };
  return shrinks && sameJson(ips, clusterIPs)
    ? { ...all, clusterIPs: ips.slice(0, 1), ipFamilies: listAt(kept, "ipFamilies").slice(0, 1) }
    : all;
}

function withNodePort(port: Json, old: readonly Json[]): Json {
  const same = old.find((one) => portKey(one) === portKey(port));
  return at(port, "nodePort") ? port : { ...objectAt(port), nodePort: at(same, "nodePort") };
}

const portKey = (port: Json): string => `${textAt(port, "protocol")}/${numberAt(port, "port") ?? 0}`;

/** clusterIP is the first of clusterIPs. A client that changes only clusterIP means clusterIPs too. */
function askedIps(spec: JsonObject, old: readonly Json[]): readonly string[] {
  const list = listAt(spec, "clusterIPs").map(printed);
  const first = textAt(spec, "clusterIP");
  return first === "" || (list.length > 0 && !sameJson(list, old)) ? list : [first, ...list.slice(1)];
}

function familiesOf(
  spec: JsonObject,
  ips: readonly string[],
  cidrs: readonly Cidr[],
  causes: Causes,
): readonly Family[] {
  const available = cidrs.map((cidr) => cidr.ip.family);
  const asked = listAt(spec, "ipFamilies").map((name): Family => (name === "IPv6" ? 6 : 4));
  const ofIps = ips.flatMap((ip) => parseIp(ip)?.family ?? []);
  const chosen = [...new Set([...asked, ...ofIps])];
  for (const family of chosen)
    if (!available.includes(family))
      causes.invalid("spec.ipFamilies[0]", `IPv${family}`, "not configured on this cluster");
  const policy = textAt(spec, "ipFamilyPolicy");
  if (policy === "RequireDualStack" && available.length < 2)
    causes.invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services");
  if (policy === "" || policy === "SingleStack") {
    if (policy !== "" && chosen.length > 1)
      causes.invalid(
        "spec.ipFamilyPolicy",
        policy,
        "may not be SingleStack when multiple IP families are specified",
      );
    return chosen.length > 0 ? chosen : available.slice(0, 1);
  }
  return [...chosen, ...available.filter((family) => !chosen.includes(family))];
}

function clusterIpsOf(
  asked: readonly string[],
  families: readonly Family[],
  others: readonly KubeObject[],
  cidrs: readonly Cidr[],
  causes: Causes,
): readonly string[] {
  const taken = new Set(others.flatMap((other) => listAt(other, "spec", "clusterIPs").map(printed)));
  return families.map((family, index) => {
    const cidr = cidrs.find((candidate) => candidate.ip.family === family);
    const given = asked[index];
    if (given !== undefined) {
      checkClusterIp(given, index, cidr, taken, causes);
      return given;
    }
    const free = cidr && freeAddress(cidr, taken);
    if (free === undefined)
      causes.invalid(`spec.clusterIPs[${index}]`, null, "failed to allocate IP: range is full");
    return free ?? "";
  });
}

function checkClusterIp(
  ip: string,
  index: number,
  cidr: Cidr | undefined,
  taken: ReadonlySet<string>,
  causes: Causes,
): void {
  const field = `spec.clusterIPs[${index}]`;
  const parsed = parseIp(ip);
  if (!parsed) causes.invalid(field, [ip], "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  else if (!cidr || !contains(cidr, parsed))
    causes.invalid(
      field,
      [ip],
      `failed to allocate IP ${ip}: the provided IP is not in the valid range${cidr ? `. The range of valid IPs is ${formatCidr(cidr)}` : ""}`,
    );
  else if (taken.has(formatIp(parsed)))
    causes.invalid(field, [ip], `failed to allocate IP ${ip}: provided IP is already allocated`);
}

/** Counts up from the low end, without .0 (the network) and .1 (the `kubernetes` Service). */
function freeAddress(cidr: Cidr, taken: ReadonlySet<string>): string | undefined {
  const last = sizeOf(cidr) - (cidr.ip.family === 4 ? 2n : 1n);
  for (let offset = 2n; offset <= last; offset++) {
    const text = formatIp(addressAt(cidr, offset));
    if (!taken.has(text)) return text;
  }
  return undefined;
}

function portsOf(spec: JsonObject, others: readonly KubeObject[], causes: Causes): readonly Json[] {
  const taken = new Set(others.flatMap((other) => listAt(other, "spec", "ports").map(nodePortKey)));
  return listAt(spec, "ports").map((port, index) => {
    const field = `spec.ports[${index}].nodePort`;
    const protocol = textAt(port, "protocol");
    const given = numberAt(port, "nodePort") || undefined;
    if (given !== undefined && (given < nodePorts.first || given > nodePorts.last))
      causes.invalid(
        field,
        given,
        `provided port is not in the valid range. The range of valid ports is ${nodePorts.first}-${nodePorts.last}`,
      );
    else if (given !== undefined && taken.has(`${protocol}/${given}`))
      causes.invalid(field, given, "provided port is already allocated");
    const free = given ?? freePort(protocol, taken);
    taken.add(`${protocol}/${free}`);
    return { ...objectAt(port), nodePort: free };
  });
}

/** A balancer that keeps the client's address asks nodes by a port of its own whether they have endpoints. */
function healthPortOf(
  spec: JsonObject,
  ports: readonly Json[],
  others: readonly KubeObject[],
): { readonly healthCheckNodePort?: number } {
  if (textAt(spec, "type") !== "LoadBalancer" || textAt(spec, "externalTrafficPolicy") !== "Local") return {};
  const given = numberAt(spec, "healthCheckNodePort") || undefined;
  const checks = others.map((other) => `TCP/${numberAt(other, "spec", "healthCheckNodePort") ?? "none"}`);
  const taken = [...ports, ...others.flatMap((other) => listAt(other, "spec", "ports"))].map(nodePortKey);
  return { healthCheckNodePort: given ?? freePort("TCP", new Set([...taken, ...checks])) };
}

function freePort(protocol: string, taken: ReadonlySet<string>): number {
  let port = nodePorts.first;
  while (taken.has(`${protocol}/${port}`)) port++;
  return port;
}

const nodePortKey = (port: Json): string =>
  `${textAt(port, "protocol")}/${numberAt(port, "nodePort") ?? "none"}`;
