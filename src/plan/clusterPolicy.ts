// The facts of a policy of the whole cluster: one ACL for each part of a rule (select/clusterRules.ts), on the port group
// of the part's subjects. Nothing is isolated by being selected; what no rule matches is left to the next tier.

import { hash } from "node:crypto";
import type { AclLogging } from "../kube/aclLogging.ts";
import type { ClusterPolicy } from "../kube/clusterPolicy.ts";
import { cover } from "../model/cover.ts";
import type { Fact } from "../model/fact.ts";
import type { Cidr, Ip } from "../model/ip.ts";
import { policyMarks } from "../model/names.ts";
import type { Owner } from "../model/owner.ts";
import { isWholeProtocol, type PortSet, protocols } from "../model/portSet.ts";
import { lowerCase } from "../model/protocol.ts";
import type { Scope } from "../model/scope.ts";
import type { RulePart } from "../select/clusterRules.ts";
import type { NameGroup } from "../select/nameGroup.ts";
import type { NodeGroup } from "../select/nodeGroup.ts";
import type { PodGroup } from "../select/podGroup.ts";
import { addressMatch } from "./addressMatch.ts";
import { FactList } from "./facts.ts";
import { afterBalancers } from "./groups.ts";
import { logged } from "./logging.ts";
import { planHolders } from "./portHolders.ts";
import { clusterPolicyPriority } from "./priorities.ts";
import { sides } from "./sides.ts";

/** What the plan needs to know about the groups that parts name. */
export interface PartGroups {
  readonly id: (group: PodGroup) => string;
  readonly nodesId: (group: NodeGroup) => string | undefined;
  readonly nameId: (group: NameGroup) => string;
  /** The blocks without the addresses of the nodes that the part leaves out. */
  readonly blocks: (part: RulePart) => readonly Cidr[];
  /** What the part's receivers mean by the name of a port. */
  readonly holders: (part: RulePart, name: string) => readonly PortHolders[];
}

/** Who has this number under a name. */
export interface PortHolders {
  readonly protocol: keyof typeof lowerCase;
  readonly port: number;
  readonly addresses: readonly Ip[];
}

export function clusterPolicyFacts(
  scope: Scope,
  owner: Owner,
  policy: ClusterPolicy,
  parts: readonly RulePart[],
  groups: PartGroups,
  logging: Omit<AclLogging, "problem">,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const meter = scope.names.policyLogMeter(policy.kind.toLowerCase(), policy.name);
  for (const part of parts) {
    const { way, rule, action, level } = part;
    const severity = logging[isPass(policy, part) ? "pass" : action === "Deny" ? "deny" : "allow"];
    const { direction, own } = sides[way];
    const group = scope.names.subjects(groups.id(part.subjects));
    const add = (what: string, condition: string, label = 0, isLogged = true): void => {
      const name = [policyMarks[policy.kind], policy.name, way, rule < 0 ? "rest" : String(rule)].join(":");
      const acl = facts.row("ACL", [owner, way, rule, part.part, what].join(" "), {
        name: name.slice(0, 63),
        direction,
        priority: clusterPolicyPriority(policy.tier, policy.priority, level),
        match: `${own} == @${group} && ${condition}`,
        action: action === "Deny" ? "drop" : "allow-related",
        ...(label > 0 && { label }),
        ...(isLogged && logged(meter, severity)),
        ...(way === "egress" && { options: afterBalancers }),
      });
      facts.member("Port_Group", facts.ref("Port_Group", group), "acls", acl);
    };
    const ports = portsMatch(part.ports);
    const named = namesMatch(scope, part, groups);
    if (named !== undefined && ports !== undefined) {
      // With the names: if the rule comes to allow others, connections to these end.
      const ids = part.peers.names.map(groups.nameId).toSorted();
      const label = labelOf([owner, way, rule, part.part, ...ids].join(" "));
      add("names", `${named} && ${ports}`, label);
      // When the time of an address is over, the connections that it had go on (NPEP-133).
      add("running", `ct.est && ct_label[96..127] == ${label} && ${ports}`, label, false);
    }
    const peers = peersMatch(scope, part, groups);
    if (peers === undefined) continue;
    if (ports !== undefined) add("", `${peers} && ${ports}`);
    for (const name of part.portNames)
      for (const { protocol, port, addresses } of groups.holders(part, name)) {
        const meaning = [owner, way, rule, part.part, protocol, name, port].join(" ");
        const receivers = planHolders(facts, scope, meaning, addresses);
        const dst = `${lowerCase[protocol]}.dst == ${port}`;
        add(`${protocol} ${name} ${port}`, `${peers} && ${receivers} && ${dst}`);
      }
  }
  return facts.facts;
}

/** A Pass of the Baseline tier accepts. */
const isPass = (policy: ClusterPolicy, { way, rule }: RulePart): boolean =>
  policy[way].some(({ index, action }) => index === rule && action === "Pass");

/** Undefined when the part matches no pod. */
function peersMatch({ names }: Scope, part: RulePart, groups: PartGroups): string | undefined {
  return addressMatch(sides[part.way].far, cover(groups.blocks(part)), (family) => [
    ...part.peers.pods.map((group) => names.peers(groups.id(group), family)),
    ...part.peers.nodes.flatMap((group) => {
      const id = groups.nodesId(group);
      return id === undefined ? [] : [names.nodesIn(id, family)];
    }),
  ]);
}

/** Undefined when the part names none. */
const namesMatch = (
  { names }: Scope,
  { way, peers }: RulePart,
  { nameId }: PartGroups,
): string | undefined =>
  peers.names.length === 0
    ? undefined
    : addressMatch(sides[way].far, [], (family) =>
        peers.names.map((group) => names.named(nameId(group), family)),
      );

/** What OVN remembers of a connection that an ACL let through (ovn-nb(5), label): 1 … 2³²-1. */
const labelOf = (meaning: string): number =>
  Number.parseInt(hash("sha256", meaning, "hex").slice(0, 8), 16) || 1;

/** Undefined when there is none. */
function portsMatch(ports: PortSet): string | undefined {
  const terms: string[] = [];
  const whole = protocols.filter((protocol) => isWholeProtocol(ports, protocol));
  if (ports.others && whole.length === protocols.length) return "ip";
  // What has no ports is neither of the three protocols.
  if (ports.others) terms.push(`(${protocols.map((protocol) => `!${lowerCase[protocol]}`).join(" && ")})`);
  for (const protocol of protocols) {
    const name = lowerCase[protocol];
    if (whole.includes(protocol)) {
      terms.push(name);
      continue;
    }
    const single = ports.ranges[protocol].filter(({ from, to }) => from === to).map(({ from }) => from);
    if (single.length > 0) terms.push(`${name}.dst == {${single.join(", ")}}`);
    for (const { from, to } of ports.ranges[protocol])
      if (from < to) terms.push(`${from} <= ${name}.dst <= ${to}`);
  }
  return terms.length === 0 ? undefined : `(${terms.join(" || ")})`;
}
