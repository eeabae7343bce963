// What a NetworkPolicy speaks of.

import type { NetworkPolicy, PolicyPeer, PolicyRule } from "../kube/networkPolicy.ts";
import type { NamedGroups } from "./groups.ts";
import type { NodeGroup } from "./nodeGroup.ts";
import { type PodGroup, wholeGroup } from "./podGroup.ts";
import { everyPod, labelSelection, namespacesMatching, oneNamespace } from "./selection.ts";

export const groupsOfNetworkPolicy = (policy: NetworkPolicy): NamedGroups => ({
  subject: [subjectsOf(policy)],
  peer: peersOf(policy),
  nodes: [...(policy.ingress ?? []), ...(policy.egress ?? [])].map(nodesIn),
});

export const subjectsOf = ({ namespace, podSelector }: NetworkPolicy): PodGroup =>
  wholeGroup(labelSelection(oneNamespace(namespace), podSelector));

/** The pods that a peer means; undefined for a block of addresses. */
export function podsOf(peer: PolicyPeer, namespace: string): PodGroup | undefined {
  if (peer.kind !== "pods") return undefined;
  const scope = peer.namespaces ? namespacesMatching(peer.namespaces) : oneNamespace(namespace);
  return wholeGroup(labelSelection(scope, peer.pods));
}

/** The nodes that have an address in one of the blocks of a rule. */
export const nodesIn = ({ peers = [] }: Pick<PolicyRule, "peers">): NodeGroup => ({
  kind: "blocks",
  blocks: peers.filter((peer) => peer.kind === "block"),
  notNodes: [],
  isListed: false,
});

/** Whom a rule means that allows a port by name and names no peers. */
export const everybody: PodGroup = wholeGroup(everyPod);

function peersOf({ namespace, ingress = [], egress = [] }: NetworkPolicy): readonly PodGroup[] {
  const named = egress.some(
    ({ peers, ports }) => !peers && ports?.some(({ port }) => typeof port === "string"),
  );
  const peers = [...ingress, ...egress].flatMap(({ peers = [] }) =>
    peers.flatMap((peer) => podsOf(peer, namespace) ?? []),
  );
  return named ? [...peers, everybody] : peers;
}
