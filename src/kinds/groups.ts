// The groups of pods that NetworkPolicies speak of, each an owner named after its selection: subjects, whom a policy
// selects, and peers, whom it allows.

import { peerFacts } from "../plan/groups.ts";
import { type OwnerKind, saying } from "./kind.ts";

export const subjectKind: OwnerKind<never> = {
  name: "subject",
  of: undefined,
  reads: {},
  tables: ["ACL", "Port_Group"],
  plan: (owner, { name }, { cloud, groups }) =>
    groups.isUsed("subject", name) ? saying(cloud.subjectFacts(owner, name)) : { facts: [] },
};

export const peerKind: OwnerKind<never> = {
  name: "peer",
  of: undefined,
  reads: {},
  tables: ["Address_Set"],
  plan: (owner, { name }, { scope, groups }) => ({
    facts: groups.isUsed("peer", name) ? peerFacts(scope, owner, name) : [],
  }),
};
