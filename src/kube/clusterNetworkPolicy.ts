// ClusterNetworkPolicy (policy.networking.k8s.io/v1alpha2; v1beta1 has the same fields, and the API server converts), cut
// down to what Weft reads.

import type { PortRange } from "../model/portSet.ts";
import {
  type ClusterPolicy,
  type ClusterPort,
  type Report,
  rulesOf,
  subjectOf,
  writtenOn,
} from "./clusterPolicy.ts";
import { integer, oneOf, record } from "./json.ts";
import { portName } from "./networkPolicy.ts";
import { metaOf, type Projection } from "./project.ts";

export const clusterNetworkPolicyOf: Projection<ClusterPolicy<"ClusterNetworkPolicy">> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const problems: string[] = [];
  const report: Report = (path, problem) => void problems.push(`${path}: ${problem}`);
  const tier = oneOf(["Admin", "Baseline"], spec["tier"]);
  if (!tier)
    report("spec.tier", "is neither Admin nor Baseline; what the policy denies is denied before all others");
  const priority = integer(spec["priority"], 0, 1000);
  if (priority === undefined)
    report(
      "spec.priority",
      "is not a number from 0 to 1000; what the policy denies is denied before others of its tier",
    );
  const { subject, isWhole } = subjectOf(spec["subject"], report);
  const onlyDeny = !tier || priority === undefined || !isWhole;
  return Object.freeze({
    kind: "ClusterNetworkPolicy",
    ...meta,
    tier: tier ?? "Admin",
    priority: priority ?? 0,
    subject,
    ingress: rulesOf(form, "ingress", spec["ingress"], onlyDeny, report),
    egress: rulesOf(form, "egress", spec["egress"], onlyDeny, report),
    problems: Object.freeze(problems),
    ...writtenOn(object),
  });
};

const form = {
  actionOf: (value: unknown) => oneOf(["Accept", "Deny", "Pass"], value),
  ports: "protocols",
  hasNames: true,
  portOf(value: unknown): ClusterPort | undefined {
    const fields = record(value);
    const [field = "", ...more] = Object.keys(fields);
    if (more.length > 0) return undefined;
    if (field === "destinationNamedPort") {
      const name = fields[field];
      return typeof name === "string" && portName.test(name) ? Object.freeze({ name }) : undefined;
    }
    const protocol = protocols.find((one) => one.toLowerCase() === field);
    if (!protocol) return undefined;
    const { destinationPort, ...others } = record(fields[field]);
    if (Object.keys(others).length > 0) return undefined;
    if (destinationPort == null) return Object.freeze({ protocol, port: undefined });
    const port = rangeOf(destinationPort);
    return port && Object.freeze({ protocol, port });
  },
} as const;

const protocols = ["TCP", "UDP", "SCTP"] as const;

function rangeOf(value: unknown): PortRange | undefined {
  const { number, range, ...others } = record(value);
  if (Object.keys(others).length > 0 || (number == null) === (range == null)) return undefined;
  const { start, end } = record(range);
  const from = integer(range == null ? number : start, 1, 65_535);
  const to = range == null ? from : integer(end, from ?? 1, 65_535);
  return from === undefined || to === undefined ? undefined : Object.freeze({ from, to });
}
