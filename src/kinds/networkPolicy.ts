// A NetworkPolicy: its ACLs. The groups of pods that it speaks of have owners of their own (groups.ts), and pods state
// their memberships themselves.

import { isDeepStrictEqual } from "node:util";
import { aclLoggingOf } from "../kube/aclLogging.ts";
import type { NetworkPolicy, PolicyRule } from "../kube/networkPolicy.ts";
import type { Ip } from "../model/ip.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type NamedPort, networkPolicyFacts, type PolicyGroups } from "../plan/networkPolicy.ts";
import type { Direction } from "../plan/sides.ts";
import type { GroupView } from "../select/groups.ts";
import { everybody, nodesIn, podsOf, subjectsOf } from "../select/networkPolicyGroups.ts";
import { nodeGroupId } from "../select/nodeGroup.ts";
import { idOf } from "../select/podGroup.ts";
import type { OwnerKind, PlanContext } from "./kind.ts";
import { ownerOfAnyPolicy, ownerWord, policiesUsing } from "./policies.ts";
import { ruleBlocks } from "./ruleBlocks.ts";

type Read = "NetworkPolicy" | "Namespace" | "Pod";

export const networkPolicyKind: OwnerKind<Read> = {
  name: ownerWord("NetworkPolicy"),
  of: "NetworkPolicy",
  isPolicy: true,
  reads: {
    NetworkPolicy: (change) => sidesOf(change).map(ownerOfAnyPolicy),
    // Groups follow namespaces and pods by themselves.
    Namespace: ({ old, new: namespace }, { NetworkPolicy: policies }) =>
      isDeepStrictEqual(aclLoggingOf(old), aclLoggingOf(namespace))
        ? []
        : policies.by("namespace", (namespace ?? old)?.name ?? "").map(ownerOfAnyPolicy),
    // What policies read of pods is which of them means which port by a name, and that stays the same while a pod lives.
    Pod: (change, { NetworkPolicy }) =>
      change.old?.uid === change.new?.uid
        ? []
        : sidesOf(change).flatMap((pod) => policiesUsing(pod, { NetworkPolicy }).map(ownerOfAnyPolicy)),
  },
  tables: ["ACL", "Address_Set", "Port_Group"],
  plan(owner, { namespace, name }, { scope, stores, groups }) {
    const policy = stores.NetworkPolicy.get(namespace, name);
    if (!policy) return { facts: [] };
    const logging = aclLoggingOf(stores.Namespace.get("", namespace));
    const limits: string[] = [];
    const facts = networkPolicyFacts(
      scope,
      owner,
      policy,
      groupsOf(policy, groups, stores.Pod, limits),
      logging,
    );
    return {
      facts,
      malformed: policy.problems.length > 0 ? problemText(policy) : undefined,
      leftOut: limits.length > 0 ? limits.join("; ") : undefined,
    };
  },
};

const problemText = ({ problems: [first = "", ...others] }: NetworkPolicy): string =>
  `its invalid parts allow nothing: ${first}${others.length > 0 ? `, and ${others.length} more` : ""}`;

/** What is beyond a limit is added to `limits`, for people. */
function groupsOf(
  policy: NetworkPolicy,
  groups: GroupView,
  pods: PlanContext<Read>["stores"]["Pod"],
  limits: string[],
): PolicyGroups {
  const peersId = (peer: Parameters<PolicyGroups["peers"]>[0]): string => {
    const group = podsOf(peer, policy.namespace);
    return group ? idOf(group) : "";
  };
  const holders = (
    way: Direction,
    rule: PolicyRule,
    named: NamedPort,
  ): ReadonlyMap<number, readonly Ip[]> => {
    const found = new Map<number, Ip[]>();
    for (const { namespace, pod, addresses } of receivers(policy, way, rule, groups))
      for (const { name, protocol, port } of pods.get(namespace, pod)?.namedPorts ?? [])
        if (name === named.port && protocol === named.protocol)
          found.set(port, [...(found.get(port) ?? []), ...addresses]);
    return found;
  };
  return {
    subjects: idOf(subjectsOf(policy)),
    peers: peersId,
    nodes: (rule) => nodeGroupId(nodesIn(rule)),
    blocks(way, rule, index) {
      const { blocks, leftOut } = ruleBlocks(rule, `spec.${way}[${index}]`);
      if (leftOut !== undefined) limits.push(leftOut);
      return blocks;
    },
    holders,
  };
}

/** The places of the pods at whose ports the rule is aimed. */
function receivers(policy: NetworkPolicy, way: Direction, { peers }: PolicyRule, groups: GroupView) {
  if (way === "ingress") return groups.members("subject", subjectsOf(policy));
  const named = peers?.flatMap((peer) => podsOf(peer, policy.namespace) ?? []) ?? [everybody];
  return new Set(named.flatMap((group) => [...groups.members("peer", group)]));
}
