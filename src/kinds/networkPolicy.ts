// A NetworkPolicy: its ACLs. The groups of pods that it speaks of have owners of their own (groups.ts), and pods state
// their memberships themselves.

import { isDeepStrictEqual } from "node:util";
import { aclLoggingOf } from "../kube/aclLogging.ts";
import type { NetworkPolicy, PolicyRule } from "../kube/networkPolicy.ts";
import type { Ip } from "../model/ip.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import {
  type Direction,
  type NamedPort,
  networkPolicyFacts,
  type PolicyGroups,
} from "../plan/networkPolicy.ts";
import { blockIdOf, everyPod, type GroupView, idOf, selectionOf, subjectsOf } from "../select/groups.ts";
import type { OwnerKind, PlanContext } from "./kind.ts";

type Read = "NetworkPolicy" | "Namespace" | "Pod";

export const networkPolicyKind: OwnerKind<Read> = {
  name: "networkpolicy",
  of: "NetworkPolicy",
  isPolicy: true,
  reads: {
    NetworkPolicy: (change) => sidesOf(change).map(ownerOfPolicy),
    // Groups follow namespaces and pods by themselves.
    Namespace: ({ old, new: namespace }, { NetworkPolicy: policies }) =>
      isDeepStrictEqual(aclLoggingOf(old), aclLoggingOf(namespace))
        ? []
        : policies.by("namespace", (namespace ?? old)?.name ?? "").map(ownerOfPolicy),
    // What policies read of pods is which of them means which port by a name, and that stays the same while a pod lives.
    Pod: ({ old, new: pod }, { NetworkPolicy: policies }) =>
      old?.uid !== pod?.uid && (old?.namedPorts || pod?.namedPorts)
        ? [...policies.values()].filter(usesNames).map(ownerOfPolicy)
        : [],
  },
  tables: ["ACL", "Address_Set", "Port_Group"],
  plan(owner, { namespace, name }, { scope, stores, groups }) {
    const policy = stores.NetworkPolicy.get(namespace, name);
    if (!policy) return { facts: [] };
    const logging = aclLoggingOf(stores.Namespace.get("", namespace));
    const facts = networkPolicyFacts(scope, owner, policy, groupsOf(policy, groups, stores.Pod), logging);
    return { facts, malformed: policy.problems.length > 0 ? problemText(policy) : undefined };
  },
};

export const ownerOfPolicy = ({ namespace, name }: NetworkPolicy): Owner =>
  ownerOf("networkpolicy", name, namespace);

const problemText = ({ problems: [first = "", ...others] }: NetworkPolicy): string =>
  `what makes no sense in it allows nothing: ${first}${others.length > 0 ? `, and ${others.length} more` : ""}`;

/** Whether it allows ports by their names, so that it depends on which pods have them. */
export const usesNames = ({ ingress = [], egress = [] }: NetworkPolicy): boolean =>
  [...ingress, ...egress].some(({ ports }) => ports?.some(({ port }) => typeof port === "string"));

function groupsOf(
  policy: NetworkPolicy,
  groups: GroupView,
  pods: PlanContext<Read>["stores"]["Pod"],
): PolicyGroups {
  const peersId = (peer: Parameters<PolicyGroups["peers"]>[0]): string => {
    const selection = selectionOf(peer, policy.namespace);
    return selection ? idOf(selection) : "";
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
  return { subjects: idOf(subjectsOf(policy)), peers: peersId, block: blockIdOf, holders };
}

/** The places of the pods at whose ports the rule is aimed. */
function receivers(policy: NetworkPolicy, way: Direction, { peers }: PolicyRule, groups: GroupView) {
  if (way === "ingress") return groups.source("subject").members(subjectsOf(policy));
  const selections = peers?.flatMap((peer) => selectionOf(peer, policy.namespace) ?? []) ?? [everyPod];
  return new Set(selections.flatMap((selection) => [...groups.source("peer").members(selection)]));
}
