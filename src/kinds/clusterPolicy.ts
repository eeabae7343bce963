// Policies of the whole cluster: their ACLs. One kind of owner for each kind of object, all by the same plan. What an
// earlier policy passes on is part of a later one's plan (select/clusterRules.ts).

import { aclLoggingOf } from "../kube/aclLogging.ts";
import type { ClusterPolicy, ClusterPolicyKind } from "../kube/clusterPolicy.ts";
import { selects } from "../kube/labelSelector.ts";
import { asksTheSame, clusterPoliciesOf } from "../kube/policies.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import { type Cidr, formatIp, hostCidrOf } from "../model/ip.ts";
import { clusterPolicyLimits } from "../model/limits.ts";
import type { Owner } from "../model/owner.ts";
import { hasPort } from "../model/portSet.ts";
import { remainder } from "../model/remainder.ts";
import { sidesOf } from "../observe/concerns.ts";
import { clusterPolicyFacts, type PortHolders } from "../plan/clusterPolicy.ts";
import { mayPassFor, partsOf, type RulePart } from "../select/clusterRules.ts";
import { nameGroupId } from "../select/nameGroup.ts";
import { addressesOf, nodeGroupId } from "../select/nodeGroup.ts";
import { idOf } from "../select/podGroup.ts";
import type { OwnerKind, PlanContext } from "./kind.ts";
import { ownerOfAnyPolicy, ownerWord, policiesUsing } from "./policies.ts";

export type PolicyReads = ClusterPolicyKind | "Namespace" | "Node" | "Pod";

export function clusterPolicyKind(of: ClusterPolicyKind): OwnerKind<PolicyReads> {
  const owners = (
    stores: Pick<Stores, PolicyReads>,
    filter: (policy: ClusterPolicy) => boolean,
  ): readonly Owner[] => [...stores[of].values()].filter(filter).map(ownerOfAnyPolicy);
  const changed = (change: Change<ClusterPolicy>, stores: Pick<Stores, PolicyReads>): readonly Owner[] => [
    ...sidesOf(change)
      .filter(({ kind }) => kind === of)
      .map(ownerOfAnyPolicy),
    ...(change.old && change.new && asksTheSame(change.old, change.new)
      ? []
      : owners(stores, (policy) => sidesOf(change).some((side) => mayPassFor(side, policy)))),
  ];
  /** A part may leave out the addresses of nodes that an earlier rule passes on. */
  const onNodes = (stores: Pick<Stores, PolicyReads>): readonly Owner[] =>
    clusterPoliciesOf(stores).some(passesNodes) ? owners(stores, ({ tier }) => tier === "Admin") : [];
  return {
    name: ownerWord(of),
    of,
    isPolicy: true,
    reads: {
      ClusterNetworkPolicy: changed,
      AdminNetworkPolicy: changed,
      BaselineAdminNetworkPolicy: changed,
      SecurityProfile: changed,
      // Groups follow namespaces and pods; what policies read of them is which pod means which port by a name.
      Namespace: () => [],
      Pod: (change, { [of]: policies }) =>
        change.old?.uid === change.new?.uid
          ? []
          : sidesOf(change).flatMap((pod) => policiesUsing(pod, { [of]: policies }).map(ownerOfAnyPolicy)),
      Node: (_, stores) => onNodes(stores),
    },
    nodes: {
      view: ({ hostAddresses, subnets, gateway }) =>
        [...hostAddresses.map(formatIp), ...subnets.map(({ ip }) => formatIp(ip)), gateway?.mac].join(),
      owners: (_, stores) => onNodes(stores),
    },
    tables: ["ACL", "Address_Set", "Port_Group"],
    plan(owner, { name }, context) {
      const { scope, stores, network } = context;
      const policy = stores[of].get("", name);
      if (!policy) return { facts: [] };
      const podRanges = network.pods.map(({ cidr }) => cidr);
      const { parts, leftOut } = partsOf(policy, clusterPoliciesOf(stores), podRanges);
      const isTooMuch: RulePart[] = [];
      const facts = clusterPolicyFacts(
        scope,
        owner,
        policy,
        parts,
        {
          id: idOf,
          nodesId: nodeGroupId,
          nameId: nameGroupId,
          blocks: (part) => {
            const { blocks, isWhole } = blocksOf(part, context);
            if (!isWhole) isTooMuch.push(part);
            return blocks;
          },
          holders: (part, port) => holdersOf(part, port, context),
        },
        aclLoggingOf(policy),
      );
      const limits = [leftOut, ...isTooMuch.map(blocksText)].filter((text) => text !== undefined);
      return {
        facts,
        malformed: policy.problems.length > 0 ? problemText(policy) : undefined,
        leftOut: limits.length > 0 ? limits.join("; ") : undefined,
      };
    },
  };
}

const passesNodes = ({ egress }: ClusterPolicy): boolean =>
  egress.some(({ action, peers }) => action === "Pass" && peers.some(({ kind }) => kind === "nodes"));

const problemText = ({ problems: [first = "", ...others] }: ClusterPolicy): string =>
  `its invalid or unsupported parts close rather than open: ${first}${others.length > 0 ? `, and ${others.length} more` : ""}`;

/** Without the addresses of the nodes that an earlier rule passes on. Too many blocks would be ACLs of megabytes. */
function blocksOf(
  { peers: { blocks, notNodes }, action }: RulePart,
  { stores, places, cloud }: PlanContext<PolicyReads>,
): { readonly blocks: readonly Cidr[]; readonly isWhole: boolean } {
  if (notNodes.length === 0 || blocks.length === 0) return { blocks, isWhole: true };
  const gone = [...stores.Node.values()].flatMap(({ name, labels }) => {
    const node = places.node(name);
    if (!node || !notNodes.some((selector) => selects(selector, labels))) return [];
    const { hostAddresses } = node;
    return addressesOf({ labels, hostAddresses, standIns: cloud.standIns(node) }).map(hostCidrOf);
  });
  const left = blocks.flatMap((block) => remainder(block, gone));
  if (left.length <= clusterPolicyLimits.blocks) return { blocks: left, isWhole: true };
  return { blocks: action === "Deny" ? blocks : [], isWhole: false };
}

const blocksText = ({ way, rule, action }: RulePart): string =>
  `spec.${way}[${rule}] ${action === "Deny" ? "denies more" : "accepts no networks"}: too many nodes are passed on before it`;

function holdersOf(
  part: RulePart,
  name: string,
  { groups, stores }: PlanContext<PolicyReads>,
): readonly PortHolders[] {
  const places =
    part.way === "ingress"
      ? groups.members("subject", part.subjects)
      : part.peers.pods.flatMap((group) => [...groups.members("peer", group)]);
  const found = new Map<string, PortHolders>();
  for (const { namespace, pod, addresses } of places)
    for (const { name: called, protocol, port } of stores.Pod.get(namespace, pod)?.namedPorts ?? []) {
      if (called !== name || hasPort(part.passed, protocol, port)) continue;
      const key = `${protocol} ${port}`;
      const known = found.get(key)?.addresses ?? [];
      found.set(key, { protocol, port, addresses: [...known, ...addresses] });
    }
  return [...found.values()];
}
