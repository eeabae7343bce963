// AdminNetworkPolicy and BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1), which ClusterNetworkPolicy has
// replaced: read into the same form. An AdminNetworkPolicy is of the tier Admin; the one BaselineAdminNetworkPolicy comes
// after all policies of the tier Baseline.

import { lastPriority } from "../model/levels.ts";
import {
  type ClusterPolicy,
  type ClusterPort,
  type Report,
  type RuleForm,
  rulesOf,
  subjectOf,
  writtenOn,
} from "./clusterPolicy.ts";
import { integer, oneOf, record } from "./json.ts";
import { portName } from "./networkPolicy.ts";
import { metaOf, type Projection } from "./project.ts";

export const adminNetworkPolicyOf: Projection<ClusterPolicy<"AdminNetworkPolicy">> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const problems: string[] = [];
  const report: Report = (path, problem) => void problems.push(`${path}: ${problem}`);
  const priority = integer(spec["priority"], 0, 1000);
  if (priority === undefined)
    report("spec.priority", "is not a number from 0 to 1000; what the policy denies is denied before others");
  const { subject, isWhole } = subjectOf(spec["subject"], report);
  const onlyDeny = priority === undefined || !isWhole;
  return Object.freeze({
    kind: "AdminNetworkPolicy",
    ...meta,
    tier: "Admin",
    priority: priority ?? 0,
    subject,
    ingress: rulesOf(form, "ingress", spec["ingress"], onlyDeny, report),
    egress: rulesOf(form, "egress", spec["egress"], onlyDeny, report),
    problems: Object.freeze(problems),
    ...writtenOn(object),
  });
};

export const baselineAdminNetworkPolicyOf: Projection<ClusterPolicy<"BaselineAdminNetworkPolicy">> = (
  object,
  intern,
) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const problems: string[] = [];
  const report: Report = (path, problem) => void problems.push(`${path}: ${problem}`);
  const { subject, isWhole } = subjectOf(spec["subject"], report);
  return Object.freeze({
    kind: "BaselineAdminNetworkPolicy",
    ...meta,
    tier: "Baseline",
    priority: lastPriority,
    subject,
    ingress: rulesOf(baselineForm, "ingress", spec["ingress"], !isWhole, report),
    egress: rulesOf(baselineForm, "egress", spec["egress"], !isWhole, report),
    problems: Object.freeze(problems),
    ...writtenOn(object),
  });
};

const form: RuleForm = {
  actionOf: (value) => (value === "Allow" ? "Accept" : oneOf(["Deny", "Pass"], value)),
  ports: "ports",
  hasNames: false,
  portOf(value): ClusterPort | undefined {
    const fields = record(value);
    const [field = "", ...more] = Object.keys(fields);
    if (more.length > 0) return undefined;
    if (field === "namedPort") {
      const name = fields[field];
      return typeof name === "string" && portName.test(name) ? Object.freeze({ name }) : undefined;
    }
    const { protocol: given, port: number, start, end } = record(fields[field]);
    const protocol = given == null ? "TCP" : oneOf(["TCP", "UDP", "SCTP"], given);
    const isNumber = field === "portNumber";
    if (!protocol || (!isNumber && field !== "portRange")) return undefined;
    const from = integer(isNumber ? number : start, 1, 65_535);
    const to = isNumber ? from : integer(end, from ?? 1, 65_535);
    if (from === undefined || to === undefined) return undefined;
    return Object.freeze({ protocol, port: Object.freeze({ from, to }) });
  },
};

const baselineForm: RuleForm = {
  ...form,
  actionOf: (value) => (value === "Allow" ? "Accept" : oneOf(["Deny"], value)),
};
