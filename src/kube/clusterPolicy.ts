// Policies of a whole cluster, in one form for all who read them: ClusterNetworkPolicy (clusterNetworkPolicy.ts), and the
// older AdminNetworkPolicy and BaselineAdminNetworkPolicy (adminNetworkPolicy.ts), all of policy.networking.k8s.io; and
// SecurityProfile (securityProfile.ts), which is Weft's own.
//
// Invalid parts close rather than open, as the API says for peers that an implementation does not know
// (ClusterNetworkPolicyIngressPeer): an Accept rule does not match them, and a Deny or Pass rule becomes one that
// denies everything.

import { domainPatternOf } from "../model/domainName.ts";
import { type Cidr, parseCidr } from "../model/ip.ts";
import { clusterPolicyLimits } from "../model/limits.ts";
import type { PortRange } from "../model/portSet.ts";
import { integer, isRecord, type Json, list, record, text } from "./json.ts";
import { labelSelectorOf, selectorProblem } from "./labelSelector.ts";
import type { NetworkPolicy, PolicyPort } from "./networkPolicy.ts";
import type { LabelSelector, ObjectMeta } from "./objects.ts";
import { type PolicyCondition, policyConditionOf } from "./policyCondition.ts";

export type ClusterPolicyKind =
  | "ClusterNetworkPolicy"
  | "AdminNetworkPolicy"
  | "BaselineAdminNetworkPolicy"
  | "SecurityProfile";

export interface ClusterPolicy<K extends ClusterPolicyKind = ClusterPolicyKind> extends ObjectMeta {
  readonly kind: K;
  readonly tier: "Admin" | "Profile" | "Baseline";
  /** 0 … 1000: lower ones come first. `lastPriority` for a BaselineAdminNetworkPolicy, which has none; 0 for all profiles. */
  readonly priority: number;
  /** Undefined when nobody can tell which pods it is about. */
  readonly subject: PodsPeer | undefined;
  readonly ingress: readonly ClusterRule[];
  readonly egress: readonly ClusterRule[];
  /** Its invalid and unsupported parts, for people. */
  readonly problems: readonly string[];
  /** Counts what has been written of its `spec`. */
  readonly generation: number;
  /** Whether it is in force, as it says itself. */
  readonly condition: PolicyCondition | undefined;
}

/** Any policy. */
export type AnyPolicy = NetworkPolicy | ClusterPolicy;

export interface ClusterRule {
  readonly action: "Accept" | "Deny" | "Pass";
  /** Where it stands in the list of the policy. */
  readonly index: number;
  readonly name: string;
  readonly peers: readonly ClusterPeer[];
  /** Undefined means all ports of all protocols. */
  readonly ports: readonly ClusterPort[] | undefined;
  /** It comes after all rules of all profiles, and is none of those that the object lists. */
  readonly isRest?: true;
}

export interface PodsPeer {
  readonly kind: "pods";
  readonly namespaces: LabelSelector;
  readonly pods: LabelSelector;
}

export type ClusterPeer =
  | PodsPeer
  | { readonly kind: "nodes"; readonly nodes: LabelSelector }
  | { readonly kind: "network"; readonly range: Cidr }
  /** The addresses that a domain name has: `www.example.com`, or `*.example.com`. Only in rules that accept what is sent. */
  | { readonly kind: "name"; readonly pattern: string };

/** A port by name is one of any protocol. */
export type ClusterPort =
  | { readonly protocol: PolicyPort["protocol"]; readonly port: PortRange | undefined }
  | { readonly name: string };

/** Whether it leaves something to NetworkPolicies that later policies of its tier would decide. */
export const hasPass = ({ tier, ingress, egress }: ClusterPolicy): boolean =>
  tier === "Admin" && [...ingress, ...egress].some(({ action }) => action === "Pass");

/** Whether it selects a pod, or may close others to it. `has` and `isPassed` as for `isNamedIn`. */
export const isAbout = (
  policy: ClusterPolicy,
  has: (peer: PodsPeer) => boolean,
  isPassed: boolean,
): boolean => policy.subject !== undefined && (has(policy.subject) || isNamedIn(policy, has, isPassed));

/**
 * Whether it may close the pods it selects to a given pod: a rule that does not accept names that pod. `has` says
 * whether the pod is one of those. With `isPassed` a network may stand for the pods in it (select/clusterRules.ts).
 */
export function isNamedIn(
  { tier, subject, ingress, egress }: ClusterPolicy,
  has: (peer: PodsPeer) => boolean,
  isPassed: boolean,
): boolean {
  if (!subject) return false;
  const mayBe = (peer: ClusterPeer): boolean =>
    peer.kind === "pods" ? has(peer) : peer.kind === "network" && isPassed && tier !== "Profile";
  return [...ingress, ...egress].some(({ action, peers }) => action !== "Accept" && peers.some(mayBe));
}

/** The domain names whose addresses it allows, each once. */
export const patternsIn = ({ egress }: Pick<ClusterPolicy, "egress">): ReadonlySet<string> =>
  new Set(
    egress.flatMap(({ peers }) => peers.flatMap((peer) => (peer.kind === "name" ? [peer.pattern] : []))),
  );

/** What others than the author write on the policy. */
export const writtenOn = (object: unknown): Pick<ClusterPolicy, "generation" | "condition"> => ({
  generation: integer(record(record(object).metadata).generation, 0, Number.MAX_SAFE_INTEGER) ?? 0,
  condition: policyConditionOf(object),
});

export type Report = (path: string, problem: string) => void;

/** Everybody, of both families. */
export const everybody: readonly ClusterPeer[] = Object.freeze(
  ["0.0.0.0/0", "::/0"].flatMap((cidr) => {
    const range = parseCidr(cidr);
    return range ? [Object.freeze({ kind: "network" as const, range })] : [];
  }),
);

/** `spec.subject`. `isWhole`: it selects exactly what was meant, and not perhaps more. */
export function subjectOf(
  value: unknown,
  report: Report,
): { readonly subject: PodsPeer | undefined; readonly isWhole: boolean } {
  const fields = record(value);
  const [only, ...more] = Object.keys(fields);
  if (only === undefined || more.length > 0 || !["namespaces", "pods"].includes(only)) {
    report("spec.subject", "is neither namespaces nor pods, so the policy has no effect");
    return { subject: undefined, isWhole: false };
  }
  let isWhole = true;
  const subject = podsPeerOf("spec.subject", fields, (path, problem) => {
    isWhole = false;
    report(path, problem);
  });
  return { subject: subject ?? leniently(fields), isWhole };
}

/** With the valid requirements only, which select more rather than less. */
const leniently = (fields: Json): PodsPeer => {
  const pods = record(fields["pods"]);
  return Object.freeze({
    kind: "pods",
    namespaces: labelSelectorOf(fields["namespaces"] ?? pods["namespaceSelector"]),
    pods: labelSelectorOf(pods["podSelector"]),
  });
};

function podsPeerOf(path: string, fields: Json, report: Report): PodsPeer | undefined {
  const parts: readonly (readonly [string, unknown])[] =
    fields["namespaces"] != null
      ? [["namespaces", fields["namespaces"]]]
      : (["namespaceSelector", "podSelector"] as const).map((name) => [
          `pods.${name}`,
          isRecord(record(fields["pods"])[name]) ? record(fields["pods"])[name] : "",
        ]);
  for (const [name, selector] of parts) {
    const problem = selectorProblem(selector);
    if (problem === undefined) continue;
    report(`${path}.${name}`, problem);
    return undefined;
  }
  return leniently(fields);
}

/** How one kind of policy writes its rules. */
export interface RuleForm {
  readonly actionOf: (value: unknown) => ClusterRule["action"] | undefined;
  /** The name of the list of ports. */
  readonly ports: "protocols" | "ports";
  readonly portOf: (value: unknown) => ClusterPort | undefined;
  /** Whether resolvers learn the domain names of its policies. */
  readonly hasNames: boolean;
}

/** The rules of one direction. With `onlyDeny` those are left out that might open something. */
export function rulesOf(
  form: RuleForm,
  way: "ingress" | "egress",
  value: unknown,
  onlyDeny: boolean,
  report: Report,
): readonly ClusterRule[] {
  const entries = list(value);
  if (value != null && !Array.isArray(value)) report(`spec.${way}`, "is not a list of rules");
  const read = entries
    .slice(0, clusterPolicyLimits.rules)
    .map((entry, index) => ruleOf(form, way, entry, index, report))
    .filter(({ action }) => !onlyDeny || action === "Deny");
  if (entries.length > clusterPolicyLimits.rules) {
    const { rules } = clusterPolicyLimits;
    report(
      `spec.${way}`,
      `has ${entries.length} rules; in place of those after the first ${rules} everything is denied`,
    );
    read.push(denial(rules, ""));
  }
  return Object.freeze(read);
}

export const denial = (index: number, name: string): ClusterRule =>
  Object.freeze({ action: "Deny", index, name, peers: everybody, ports: undefined });

function ruleOf(
  form: RuleForm,
  way: "ingress" | "egress",
  value: unknown,
  index: number,
  report: Report,
): ClusterRule {
  const at = `spec.${way}[${index}]`;
  const entry = record(value);
  const name = text(entry["name"]).slice(0, 100);
  const action = form.actionOf(entry["action"]);
  if (!action) report(`${at}.action`, "is none of the actions, so the rule denies");
  let isSound = true;
  const tell: Report = (path, problem) => {
    isSound = false;
    report(path, problem);
  };
  const side = way === "ingress" ? "from" : "to";
  const peers = eachOf(`${at}.${side}`, entry[side], tell, (path, one) =>
    peersOf(form, path, one, way, action, tell),
  );
  if (entry[side] == null) tell(`${at}.${side}`, "names no peers");
  const list = entry[form.ports];
  const ports =
    list == null
      ? undefined
      : eachOf(`${at}.${form.ports}`, list, tell, (path, one) => {
          const port = form.portOf(one);
          if (!port) tell(path, "is not a port, a range of ports or a protocol that Weft knows");
          return port ? [port] : [];
        });
  if (!isSound && action !== "Accept") return denial(index, name);
  return Object.freeze({ action: action ?? "Deny", index, name, peers, ports });
}

/** Each list has a limit. Entries beyond it make the rule unsound, like invalid ones. */
export function eachOf<T>(
  path: string,
  value: unknown,
  report: Report,
  partsOf: (path: string, value: unknown) => readonly T[],
): readonly T[] {
  if (value != null && !Array.isArray(value)) report(path, "is not a list");
  const entries = list(value);
  const { entries: most } = clusterPolicyLimits;
  if (entries.length > most) report(path, `has ${entries.length} entries, and at most ${most} are served`);
  return Object.freeze(entries.slice(0, most).flatMap((one, nth) => partsOf(`${path}[${nth}]`, one)));
}

/** Empty when the peer is invalid. */
function peersOf(
  form: RuleForm,
  path: string,
  value: unknown,
  way: "ingress" | "egress",
  action: ClusterRule["action"] | undefined,
  report: Report,
): readonly ClusterPeer[] {
  const fields = record(value);
  const [field = "", ...more] = Object.keys(fields);
  if (more.length > 0) {
    report(path, "names more than one kind of peer");
    return [];
  }
  if (field === "namespaces" || field === "pods") {
    const peer = podsPeerOf(path, fields, report);
    return peer ? [peer] : [];
  }
  if (way === "egress" && field === "nodes") {
    const problem = selectorProblem(fields["nodes"]);
    if (problem !== undefined) report(`${path}.nodes`, problem);
    return problem === undefined ? [{ kind: "nodes", nodes: labelSelectorOf(fields["nodes"]) }] : [];
  }
  if (way === "egress" && field === "networks")
    return eachOf(`${path}.networks`, fields["networks"], report, (at, one) => {
      const range = parseCidr(text(one));
      if (!range) report(at, `${JSON.stringify(one)?.slice(0, 60)} is not a CIDR`);
      return range ? [{ kind: "network", range }] : [];
    });
  if (way === "egress" && field === "domainNames" && form.hasNames) {
    if (action === "Accept") return namesOf(`${path}.domainNames`, fields["domainNames"], report);
    // Nobody knows all addresses of a name, so what such a rule denies could not be denied for sure.
    report(`${path}.domainNames`, "is only for rules that accept");
  } else report(path, "is not a peer that Weft knows");
  return [];
}

const namesOf = (path: string, value: unknown, report: Report): readonly ClusterPeer[] =>
  eachOf(path, value, report, (at, one) => {
    const pattern = domainPatternOf(text(one));
    if (pattern === undefined) report(at, `${JSON.stringify(one)?.slice(0, 60)} is not a domain name`);
    return pattern === undefined ? [] : [{ kind: "name", pattern }];
  });
