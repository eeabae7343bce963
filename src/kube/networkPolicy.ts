// NetworkPolicy (networking.k8s.io/v1), cut down to what Weft reads. An invalid part allows nothing, and is listed as a
// problem: a policy that cannot be understood closes rather than opens.

import { type Cidr, contains, parseCidr } from "../model/ip.ts";
import { integer, isRecord, type Json, list, oneOf, record, text } from "./json.ts";
import { labelSelectorOf, selectorProblem } from "./labelSelector.ts";
import type { LabelSelector, ObjectMeta } from "./objects.ts";
import { metaOf, type Projection } from "./project.ts";

export interface NetworkPolicy extends ObjectMeta {
  readonly kind: "NetworkPolicy";
  /** Selects pods in the policy's own namespace. */
  readonly podSelector: LabelSelector;
  /** What its pods may receive; undefined when it does not isolate them in this direction. */
  readonly ingress: readonly PolicyRule[] | undefined;
  /** What its pods may send. */
  readonly egress: readonly PolicyRule[] | undefined;
  /** Its invalid parts, for people: `spec.ingress[0].from[1].ipBlock.cidr: "10.0.0.0/33" is not a CIDR`. */
  readonly problems: readonly string[];
}

/** Allows what matches one of the peers and one of the ports. */
export interface PolicyRule {
  /** Undefined means everybody. */
  readonly peers: readonly PolicyPeer[] | undefined;
  /** Undefined means all ports of all protocols. */
  readonly ports: readonly PolicyPort[] | undefined;
}

export type PolicyPeer =
  | {
      readonly kind: "pods";
      /** Undefined means the policy's own namespace. */
      readonly namespaces: LabelSelector | undefined;
      readonly pods: LabelSelector;
    }
  | { readonly kind: "block"; readonly range: Cidr; readonly except: readonly Cidr[] };

export interface PolicyPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** A range with both ends, the name of a container's port, or undefined for all ports. */
  readonly port: { readonly from: number; readonly to: number } | string | undefined;
}

type Report = (path: string, problem: string) => void;

const protocols = ["TCP", "UDP", "SCTP"] as const;
/** IANA_SVC_NAME (RFC 6335, section 5.1), as the API server checks names of ports. */
export const portName = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;

export const networkPolicyOf: Projection<NetworkPolicy> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const problems: string[] = [];
  const report: Report = (path, problem) => void problems.push(`${path}: ${problem}`);
  const types = list(spec.policyTypes);
  const unknown = types.filter((type) => type !== "Ingress" && type !== "Egress");
  const isolates = (direction: "Ingress" | "Egress"): boolean =>
    types.length === 0
      ? direction === "Ingress" || spec.egress != null
      : unknown.length > 0 || types.includes(direction);
  for (const type of unknown)
    report("spec.policyTypes", `${JSON.stringify(type)?.slice(0, 60)} is neither Ingress nor Egress`);
  const podSelector = labelSelectorOf(spec.podSelector);
  const problem = selectorProblem(spec.podSelector);
  if (problem !== undefined) report("spec.podSelector", problem);
  return Object.freeze({
    kind: "NetworkPolicy",
    ...meta,
    podSelector,
    ingress: isolates("Ingress") ? rulesOf("spec.ingress", "from", spec.ingress, report) : undefined,
    egress: isolates("Egress") ? rulesOf("spec.egress", "to", spec.egress, report) : undefined,
    problems: Object.freeze(problems),
  });
};

function rulesOf(path: string, side: "from" | "to", value: unknown, report: Report): readonly PolicyRule[] {
  return Object.freeze(
    list(value).flatMap((entry, index): PolicyRule[] => {
      const at = `${path}[${index}]`;
      if (!isRecord(entry)) {
        report(at, "is no rule");
        return [];
      }
      return [
        Object.freeze({
          peers: eachOf(`${at}.${side}`, entry[side], peerOf, report),
          ports: eachOf(`${at}.ports`, entry["ports"], portOf, report),
        }),
      ];
    }),
  );
}

/** Undefined when the list is absent or empty, which means everything; anything but a list means nothing. */
function eachOf<T>(
  path: string,
  value: unknown,
  partOf: (path: string, value: unknown, report: Report) => T | undefined,
  report: Report,
): readonly T[] | undefined {
  if (value == null) return undefined;
  if (!Array.isArray(value)) {
    report(path, "is not a list");
    return [];
  }
  return value.length === 0
    ? undefined
    : value.flatMap((part, nth) => partOf(`${path}[${nth}]`, part, report) ?? []);
}

function peerOf(path: string, value: unknown, report: Report): PolicyPeer | undefined {
  const peer = record(value);
  if (peer["ipBlock"] != null) {
    if (peer["podSelector"] != null || peer["namespaceSelector"] != null) {
      report(path, "has an ipBlock and a selector");
      return undefined;
    }
    return blockOf(`${path}.ipBlock`, record(peer["ipBlock"]), report);
  }
  if (peer["podSelector"] == null && peer["namespaceSelector"] == null) {
    report(path, "has neither a selector nor an ipBlock");
    return undefined;
  }
  for (const side of ["podSelector", "namespaceSelector"] as const) {
    const problem = selectorProblem(peer[side]);
    if (problem === undefined) continue;
    report(`${path}.${side}`, problem);
    return undefined;
  }
  return Object.freeze({
    kind: "pods",
    namespaces: peer["namespaceSelector"] == null ? undefined : labelSelectorOf(peer["namespaceSelector"]),
    pods: labelSelectorOf(peer["podSelector"]),
  });
}

function blockOf(path: string, block: Json, report: Report): PolicyPeer | undefined {
  const range = cidrOf(`${path}.cidr`, block["cidr"], report);
  const except = list(block["except"]).map((value, nth) => {
    const at = `${path}.except[${nth}]`;
    const cidr = cidrOf(at, value, report);
    if (cidr && range && !(cidr.bits >= range.bits && contains(range, cidr.ip))) {
      report(at, `${text(value)} is not inside ${text(block["cidr"])}`);
      return undefined;
    }
    return cidr;
  });
  const sound = except.filter((cidr) => cidr !== undefined);
  // Without one of its exceptions the block would allow more than was meant.
  return range && sound.length === except.length
    ? Object.freeze({ kind: "block", range, except: sound })
    : undefined;
}

function cidrOf(path: string, value: unknown, report: Report): Cidr | undefined {
  const cidr = parseCidr(text(value));
  if (!cidr) report(path, `${JSON.stringify(value)?.slice(0, 60)} is not a CIDR`);
  return cidr;
}

function portOf(path: string, value: unknown, report: Report): PolicyPort | undefined {
  const entry = record(value);
  const protocol = entry["protocol"] == null ? "TCP" : oneOf(protocols, entry["protocol"]);
  if (!protocol) {
    report(`${path}.protocol`, "is none of TCP, UDP and SCTP");
    return undefined;
  }
  const { port, endPort } = entry;
  if (port == null && endPort == null) return Object.freeze({ protocol, port: undefined });
  if (typeof port === "string" && endPort == null && portName.test(port))
    return Object.freeze({ protocol, port });
  const from = integer(port, 1, 65_535);
  const to = endPort == null ? from : integer(endPort, from ?? 1, 65_535);
  if (from === undefined || to === undefined) {
    report(path, "port and endPort are not a port name, a port or a range of ports");
    return undefined;
  }
  return Object.freeze({ protocol, port: Object.freeze({ from, to }) });
}
