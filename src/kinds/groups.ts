// The groups that NetworkPolicies speak of, each an owner named after its selection: subjects, the pods that a policy
// selects; peers, the pods that it allows; the nodes that have an address in a block it allows; and the addresses of the
// domain names that it allows.

import type { Fact } from "../model/fact.ts";
import { blockFacts, closingFacts, namedFacts, peerFacts } from "../plan/groups.ts";
import type { GroupView } from "../select/groups.ts";
import { idOf } from "../select/podGroup.ts";
import { refusedPods } from "../select/profileStanding.ts";
import type { OwnerKind, Planned } from "./kind.ts";

/** Groups follow these by themselves, and queue their owners. */
const reads = {
  NetworkPolicy: () => [],
  ClusterNetworkPolicy: () => [],
  AdminNetworkPolicy: () => [],
  BaselineAdminNetworkPolicy: () => [],
  SecurityProfile: () => [],
  Namespace: () => [],
  Pod: () => [],
};
type Read = keyof typeof reads;

export const subjectKind: OwnerKind<Read> = {
  name: "subject",
  of: undefined,
  reads,
  tables: ["ACL", "Port_Group"],
  // A pod on a ready port has no row of its own, so the group speaks for it.
  plan: (owner, { name }, { scope, cloud, groups }) => {
    if (!groups.isUsed("subject", name)) return certain(groups, []);
    const said = cloud.subjectFacts(owner, name);
    if ("notNow" in said) return said;
    const closing = name === idOf(refusedPods) ? closingFacts(scope, owner, name) : [];
    return certain(groups, [...said, ...closing]);
  },
};

export const peerKind: OwnerKind<Read> = {
  name: "peer",
  of: undefined,
  reads,
  tables: ["Address_Set"],
  // The set's members have no rows of their own, so the set speaks for those that no pod states any more.
  plan: (owner, { name }, { scope, groups }) =>
    certain(groups, groups.isUsed("peer", name) ? peerFacts(scope, owner, name) : []),
};

export const blockKind: OwnerKind<Read> = {
  name: "block",
  of: undefined,
  reads,
  tables: ["Address_Set"],
  plan: (owner, { name }, { scope, groups }) =>
    certain(groups, groups.isUsed("block", name) ? blockFacts(scope, owner, name) : []),
};

/** `controller/learnedNames.ts` queues its owners when an answer comes or its time is over. */
export const nameKind: OwnerKind<"LearnedName"> = {
  name: "name",
  of: undefined,
  reads: { LearnedName: () => [] },
  tables: ["Address_Set"],
  plan: (owner, { name }, { scope, groups, learned }) => {
    const group = groups.nameGroup(name);
    return certain(groups, group ? namedFacts(scope, owner, name, learned(group)) : []);
  },
};

const certain = ({ unconfirmed }: GroupView, facts: readonly Fact[]): Planned => ({
  facts,
  ...(!unconfirmed.isEmpty && { doubt: "untrusted" }),
});
