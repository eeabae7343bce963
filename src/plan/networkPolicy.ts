// The facts of a NetworkPolicy: ACLs on the port group of the pods it selects. Each direction that it isolates has one
// ACL that drops everything, and each rule one that allows, however many peers and ports the rule lists. Where ports have
// names, each number that a name means for some pod has an ACL of its own.
//
// Running connections follow the policies: OVN looks at each of their packets, and marks a connection as blocked when
// its packets are dropped, so that replies end too.

import type { AclLogging } from "../kube/aclLogging.ts";
import type { NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule } from "../kube/networkPolicy.ts";
import type { Fact } from "../model/fact.ts";
import type { Cidr, Ip } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { addressMatch } from "./addressMatch.ts";
import { FactList } from "./facts.ts";
import { afterBalancers } from "./groups.ts";
import { logged } from "./logging.ts";
import { planHolders } from "./portHolders.ts";
import { type AclAction, aclPriority } from "./priorities.ts";
import { type Direction, sides } from "./sides.ts";

/** What the plan needs to know about groups of pods. */
export interface PolicyGroups {
  /** The id of the group of pods that the policy selects. */
  readonly subjects: string;
  /** The id of the group of pods that a peer means. */
  readonly peers: (peer: Extract<PolicyPeer, { readonly kind: "pods" }>) => string;
  /** The id of the group of nodes that have an address in one of the rule's blocks; undefined when it adds nothing. */
  readonly nodes: (rule: PolicyRule) => string | undefined;
  /** What the rule's blocks have, without their exceptions. */
  readonly blocks: (way: Direction, rule: PolicyRule, index: number) => readonly Cidr[];
  /** Which of the rule's receivers have a port with this name: the number -> their addresses. */
  readonly holders: (
    direction: Direction,
    rule: PolicyRule,
    port: NamedPort,
  ) => ReadonlyMap<number, readonly Ip[]>;
}

export type NamedPort = PolicyPort & { readonly port: string };

export function networkPolicyFacts(
  scope: Scope,
  owner: Owner,
  policy: NetworkPolicy,
  groups: PolicyGroups,
  logging: Pick<AclLogging, "deny" | "allow">,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const name = scope.names.subjects(groups.subjects);
  const group = facts.ref("Port_Group", name);
  const meter = scope.names.logMeter(policy.namespace);
  for (const way of ["ingress", "egress"] as const) {
    const rules = policy[way];
    if (!rules) continue;
    const { direction, own } = sides[way];
    const add = (what: string, priority: number, action: AclAction, condition: string): void => {
      const acl = facts.row("ACL", [owner, way, what].join(" "), {
        name: `NP:${policy.namespace}:${policy.name}:${way}:${what}`.slice(0, 63),
        direction,
        priority,
        match: `${own} == @${name} && ${condition}`,
        action,
        ...logged(meter, action === "drop" ? logging.deny : logging.allow),
        ...(way === "egress" && { options: afterBalancers }),
      });
      facts.member("Port_Group", group, "acls", acl);
    };
    add("rest", aclPriority.isolated, "drop", "ip");
    rules.forEach((rule, index) => {
      const from = peersMatch(scope, way, rule, groups, index);
      if (from === undefined) return;
      const allow = (what: string, match: string): void =>
        add(what, aclPriority.allowed, "allow-related", [from, match].filter(Boolean).join(" && "));
      const ports = portsMatch(rule);
      if (ports !== undefined) allow(`${index}`, ports);
      for (const port of namedPortsOf(rule))
        for (const [number, ips] of groups.holders(way, rule, port)) {
          const meaning = [owner, way, index, port.protocol, port.port, number].join(" ");
          const receivers = planHolders(facts, scope, meaning, ips);
          allow(
            `${index} ${port.protocol} ${port.port} ${number}`,
            `${receivers} && ${protocolOf(port)}.dst == ${number}`,
          );
        }
    });
  }
  return facts.facts;
}

/** Undefined when the rule allows nobody, "" when it allows everybody. */
function peersMatch(
  { names }: Scope,
  way: Direction,
  rule: PolicyRule,
  groups: PolicyGroups,
  index: number,
): string | undefined {
  const { peers } = rule;
  if (!peers) return "";
  const nodes = groups.nodes(rule);
  return addressMatch(sides[way].far, groups.blocks(way, rule, index), (family, blocks) => [
    ...peers.flatMap((peer) => (peer.kind === "pods" ? [names.peers(groups.peers(peer), family)] : [])),
    ...(nodes !== undefined && blocks.length > 0 ? [names.nodesIn(nodes, family)] : []),
  ]);
}

/** Undefined when the rule has no port without a name. */
function portsMatch({ ports }: PolicyRule): string | undefined {
  if (!ports) return "ip";
  const terms: string[] = [];
  for (const protocol of ["tcp", "udp", "sctp"] as const) {
    const single = new Set<number>();
    for (const entry of ports) {
      if (protocolOf(entry) !== protocol || typeof entry.port === "string") continue;
      if (entry.port === undefined) terms.push(protocol);
      else if (entry.port.from === entry.port.to) single.add(entry.port.from);
      else terms.push(`${entry.port.from} <= ${protocol}.dst <= ${entry.port.to}`);
    }
    if (single.size > 0) terms.push(`${protocol}.dst == {${[...single].sort((a, b) => a - b).join(", ")}}`);
  }
  return terms.length === 0 ? undefined : `(${[...new Set(terms)].join(" || ")})`;
}

/** Each once, however often the rule lists it. */
function namedPortsOf({ ports = [] }: PolicyRule): readonly NamedPort[] {
  const named = ports.flatMap(({ protocol, port }) => (typeof port === "string" ? [{ protocol, port }] : []));
  return [...new Map(named.map((one) => [`${one.protocol} ${one.port}`, one])).values()];
}

const protocolOf = ({ protocol }: PolicyPort): string => protocol.toLowerCase();
