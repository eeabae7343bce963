// SecurityProfile (weft.io/v1alpha1): a name for pods, virtual machines and physical machines that are to be treated alike, and
// what these may receive and send. It is read into the form that policies of the whole cluster have: its subjects are the
// pods that have the profile, and each direction ends with a rule about what none of its rules match.
//
// What makes no sense closes rather than opens: an Allow rule does not match there, and a Deny rule denies everything.

import { type Cidr, hostCidrOf, parseCidr, parseInterfaceAddress, parseIp } from "../model/ip.ts";
import { clusterPolicyLimits, profileLimits } from "../model/limits.ts";
import {
  type ClusterPeer,
  type ClusterPolicy,
  type ClusterPort,
  type ClusterRule,
  denial,
  eachOf,
  everybody,
  type PodsPeer,
  type Report,
  writtenOn,
} from "./clusterPolicy.ts";
import { integer, isRecord, list, oneOf, record, text } from "./json.ts";
import { labelSelectorOf, selectorProblem } from "./labelSelector.ts";
import { portName } from "./networkPolicy.ts";
import { isObjectName } from "./objectName.ts";
import type { LabelSelector } from "./objects.ts";
import { havingProfile } from "./profileClaims.ts";
import { metaOf, type Projection } from "./project.ts";

export interface SecurityProfile extends ClusterPolicy<"SecurityProfile"> {
  readonly tier: "Profile";
  /** The namespaces whose pods may have it; undefined: none. */
  readonly namespaces: LabelSelector | undefined;
  /** Whether the pods of these namespaces have it only when they ask for it. */
  readonly assignment: "ByAnnotation" | "Always";
  /** Machines that have it, by their addresses. */
  readonly addresses: readonly Cidr[];
  /** Machines that have it, by the names of their logical switch ports. */
  readonly ports: readonly string[];
  /** The profiles that its rules name. */
  readonly named: readonly string[];
}

export const isSecurityProfile = (policy: ClusterPolicy): policy is SecurityProfile =>
  policy.kind === "SecurityProfile";

/** The pods that have the profile, as a peer of rules. Machines that have it are in the same address sets. */
export const podsWithProfile = (profile: string): PodsPeer =>
  Object.freeze({ kind: "pods", namespaces: [], pods: havingProfile(profile) });

export const securityProfileOf: Projection<SecurityProfile> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const problems: string[] = [];
  const report: Report = (path, problem) => void problems.push(`${path}: ${problem}`);
  const named = new Set<string>();
  const rules = (way: "ingress" | "egress"): readonly ClusterRule[] => [
    ...rulesOf(way, spec[way], named, report),
    ...restOf(way, spec, report),
  ];
  const assignment =
    spec["assignment"] == null ? "ByAnnotation" : oneOf(["ByAnnotation", "Always"], spec["assignment"]);
  if (!assignment)
    report("spec.assignment", "is neither ByAnnotation nor Always; only pods that ask for it have it");
  return Object.freeze({
    kind: "SecurityProfile",
    ...meta,
    tier: "Profile",
    priority: 0,
    subject: podsWithProfile(meta.name),
    ingress: Object.freeze(rules("ingress")),
    egress: Object.freeze(rules("egress")),
    namespaces: namespacesOf(spec["namespaceSelector"], report),
    assignment: assignment ?? "ByAnnotation",
    addresses: addressesOf(spec["addresses"], report),
    ports: portsOf(spec["ports"], report),
    named: Object.freeze([...named].toSorted()),
    problems: Object.freeze(problems),
    ...writtenOn(object),
  });
};

function namespacesOf(value: unknown, report: Report): LabelSelector | undefined {
  if (value == null) return undefined;
  const problem = selectorProblem(value);
  if (problem === undefined) return labelSelectorOf(value);
  report("spec.namespaceSelector", `${problem}; no namespace may have the profile`);
  return undefined;
}

const addressesOf = (value: unknown, report: Report): readonly Cidr[] =>
  limited("spec.addresses", value, profileLimits.addresses, report).flatMap((one, nth) => {
    const ip = parseIp(text(one));
    const range = ip ? hostCidrOf(ip) : exactCidr(one);
    const at = `spec.addresses[${nth}]`;
    if (!range)
      report(at, `${JSON.stringify(one)?.slice(0, 60)} is no address and no CIDR; leave out host bits`);
    else if (range.bits === 0) report(at, "is every address; name the machines' networks");
    return range && range.bits > 0 ? [range] : [];
  });

/** Undefined with host bits too: whoever writes them may mean the one address, or the network. */
function exactCidr(value: unknown): Cidr | undefined {
  const [range, written] = [parseCidr(text(value)), parseInterfaceAddress(text(value))];
  return range && written?.ip.value === range.ip.value ? range : undefined;
}

const portsOf = (value: unknown, report: Report): readonly string[] =>
  limited("spec.ports", value, profileLimits.ports, report).flatMap((one, nth) => {
    if (typeof one === "string" && one !== "" && one.length <= 253) return [one];
    report(`spec.ports[${nth}]`, "is no name of a logical switch port");
    return [];
  });

function limited(path: string, value: unknown, most: number, report: Report): readonly unknown[] {
  if (value != null && !Array.isArray(value)) report(path, "is no list");
  const entries = list(value);
  if (entries.length > most)
    report(
      path,
      `has ${entries.length} entries, and at most ${most} are served; use CIDRs, or another profile`,
    );
  return entries.slice(0, most);
}

function rulesOf(
  way: "ingress" | "egress",
  value: unknown,
  named: Set<string>,
  report: Report,
): readonly ClusterRule[] {
  const entries = list(value);
  if (value != null && !Array.isArray(value)) report(`spec.${way}`, "is no list of rules");
  const { rules: most } = clusterPolicyLimits;
  const read = entries.slice(0, most).map((entry, index) => ruleOf(way, entry, index, named, report));
  if (entries.length <= most) return read;
  report(
    `spec.${way}`,
    `has ${entries.length} rules; in place of those after the first ${most} everything is denied`,
  );
  return [...read, denial(most, "")];
}

function ruleOf(
  way: "ingress" | "egress",
  value: unknown,
  index: number,
  named: Set<string>,
  report: Report,
): ClusterRule {
  const at = `spec.${way}[${index}]`;
  const entry = record(value);
  let isSound = true;
  const tell: Report = (path, problem) => {
    isSound = false;
    report(path, problem);
  };
  const action = oneOf(["Allow", "Deny"], entry["action"]);
  if (!action) report(`${at}.action`, "is neither Allow nor Deny, so the rule denies");
  const side = way === "ingress" ? "from" : "to";
  const peers = entry[side] == null ? everybody : peersOf(`${at}.${side}`, entry[side], named, tell);
  const ports =
    entry["ports"] == null
      ? undefined
      : eachOf(`${at}.ports`, entry["ports"], tell, (path, one) => portOf(path, one, tell));
  if (!isSound && action !== "Allow") return denial(index, "");
  return Object.freeze({ action: action === "Allow" ? "Accept" : "Deny", index, name: "", peers, ports });
}

function peersOf(path: string, value: unknown, named: Set<string>, report: Report): readonly ClusterPeer[] {
  const { profiles, cidrs, ...others } = record(value);
  const [other] = Object.keys(others);
  if (!isRecord(value) || (profiles == null && cidrs == null))
    report(path, "names neither profiles nor cidrs");
  if (other !== undefined) report(`${path}.${other}`, "is neither profiles nor cidrs");
  const ofProfiles = eachOf(`${path}.profiles`, profiles, report, (at, one): readonly ClusterPeer[] => {
    const name = text(one);
    if (!isObjectName(name)) {
      report(at, `${JSON.stringify(one)?.slice(0, 60)} is no name of a profile`);
      return [];
    }
    named.add(name);
    return [podsWithProfile(name)];
  });
  const ofNetworks = eachOf(`${path}.cidrs`, cidrs, report, (at, one): readonly ClusterPeer[] => {
    const range = exactCidr(one);
    if (!range) report(at, `${JSON.stringify(one)?.slice(0, 60)} is no CIDR; leave out host bits`);
    return range ? [{ kind: "network", range }] : [];
  });
  return Object.freeze([...ofProfiles, ...ofNetworks]);
}

/** None when the entry makes no sense. A port by a name is one of any protocol. */
function portOf(path: string, value: unknown, report: Report): readonly ClusterPort[] {
  const { protocol: given, port, endPort, ...others } = record(value);
  const protocol = given == null ? "TCP" : oneOf(["TCP", "UDP", "SCTP"], given);
  if (typeof port === "string" && endPort == null && given == null && portName.test(port))
    return [Object.freeze({ name: port })];
  const from = integer(port, 1, 65_535);
  const to = endPort == null ? from : integer(endPort, from ?? 1, 65_535);
  const isWhole = port == null && endPort == null && given != null;
  if (!protocol || Object.keys(others).length > 0 || (!isWhole && (from === undefined || to === undefined))) {
    report(path, "is no port with a protocol of TCP, UDP or SCTP, no range up to endPort, and no name alone");
    return [];
  }
  const range = from === undefined || to === undefined ? undefined : Object.freeze({ from, to });
  return [Object.freeze({ protocol, port: range })];
}

/** What happens to that which no rule of the direction matches. */
function restOf(
  way: "ingress" | "egress",
  spec: Readonly<Record<string, unknown>>,
  report: Report,
): readonly ClusterRule[] {
  const given = record(spec["otherwise"])[way];
  const known = oneOf(["Deny", "Continue"], given);
  const hasAllow = list(spec[way]).some((rule) => record(rule)["action"] === "Allow");
  if (given != null && !known)
    report(`spec.otherwise.${way}`, "is neither Deny nor Continue, so what no rule matches is denied");
  const isDenied = given == null ? hasAllow : known !== "Continue";
  return isDenied ? [Object.freeze({ ...denial(restIndex, ""), isRest: true })] : [];
}

/** No rule of the list. */
const restIndex = -1;
