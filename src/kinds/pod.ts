// A pod: its port, unless that is from its node's pool, which states it; the groups of pods that it is in; and its ports on its
// node.

import { type Places, wantsAddress } from "../decide/places.ts";
import { isOnPodNetwork, ownerOfPod, podOwners } from "../decide/podOwners.ts";
import { lastingUid } from "../kube/staticPod.ts";
import type { Stores } from "../kube/stores.ts";
import { formatCidr, formatIp } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import type { ResolvedNode } from "../model/network.ts";
import { membershipFacts } from "../plan/groups.ts";
import { podFacts } from "../plan/pod.ts";
import type { Membership, Role } from "../select/groups.ts";
import { type HostPortReads, otherSeekers, plannedHostPorts, seekersOf } from "./hostPort.ts";
import type { Doubt, OwnerKind } from "./kind.ts";

export const podKind: OwnerKind<HostPortReads | "Node"> = {
  name: "pod",
  of: "Pod",
  reads: {
    Pod: (change, { Pod: pods }) => [...podOwners(change), ...otherSeekers(change, pods).map(ownerOfPod)],
    // What is decided about a node is followed below. Here it only counts whether there is one.
    Node: ({ old, new: node }, { Pod }) =>
      old && node
        ? []
        : Pod.by("node", (node ?? old)?.name ?? "")
            .filter(isOnPodNetwork)
            .map(ownerOfPod),
    Service: (change, { Pod: pods }) => seekersOf(change, pods).map(ownerOfPod),
  },
  nodes: {
    view: (node) => [siteText(node), ...node.hostAddresses.map(formatIp)].join(),
    owners: (node, { Pod }, before, after) => {
      const isMoved = (before && siteText(before)) !== (after && siteText(after));
      return Pod.by("node", node)
        .filter((pod) => isOnPodNetwork(pod) && (isMoved || pod.hostPorts !== undefined))
        .map(ownerOfPod);
    },
  },
  tables: [
    "Address_Set",
    "Load_Balancer",
    "Logical_Router",
    "Logical_Switch",
    "Logical_Switch_Port",
    "Port_Group",
  ],
  plan(owner, { namespace, name }, context) {
    const { scope, stores, places, groups, hosts, standingOf } = context;
    const pod = stores.Pod.get(namespace, name);
    hosts.follow(owner, [], pod?.hostPorts ? [pod.nodeName] : []);
    if (!pod && places.isBetweenMirrors(namespace, name)) return "as before";
    if (!pod || !wantsAddress(pod)) return { facts: [] };
    const place = places.pod(pod);
    const node = places.node(pod.nodeName);
    if (!place || !node) return { facts: [], doubt: doubtAbout(pod.nodeName, stores.Node, places) };
    const port = place.ownPort
      ? podFacts(scope, owner, { namespace, name, uid: lastingUid(pod) }, node, place.network)
      : [];
    const of = (role: Role): readonly Membership[] => groups.membershipsOf(role, namespace, name);
    const ports = plannedHostPorts(owner, pod, place, node, context);
    const facts = [...port, ...ports.facts, ...membershipFacts(scope, owner, of("subject"), of("peer"))];
    const { refused } = standingOf(pod);
    return {
      ...ports,
      facts,
      ...(!groups.unconfirmed.isEmpty && { doubt: "untrusted" }),
      ...(refused !== undefined && { refused: refusalText(refused) }),
    };
  },
};

const refusalText = (why: string): string =>
  `closed, because of its annotation ${annotations.securityProfiles}: ${why}`;

/** What a pod's port depends on. */
const siteText = ({ chassisId, subnets }: ResolvedNode): string =>
  [chassisId, ...subnets.map(formatCidr)].join();

/** The pod still wants its port: its node may only not be decided yet, or may come back. */
export function doubtAbout(node: string, nodes: Stores["Node"], places: Places): Doubt {
  if (nodes.get("", node) && !places.node(node)) return "unplanned";
  return places.isProven(node) ? "untrusted" : "missing";
}
