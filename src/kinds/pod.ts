// A pod: its port, unless that is from its node's pool, which states it; the groups of pods that it is in; and its ports on its
// node.

import { wantsAddress } from "../decide/places.ts";
import type { Pod } from "../kube/objects.ts";
import { formatCidr, formatIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type GroupMember, membershipFacts } from "../plan/groups.ts";
import { podFacts } from "../plan/pod.ts";
import { idOf, type Role } from "../select/groups.ts";
import { type HostPortReads, otherSeekers, plannedHostPorts, seekersOf } from "./hostPort.ts";
import type { OwnerKind } from "./kind.ts";

export const podKind: OwnerKind<HostPortReads> = {
  name: "pod",
  of: "Pod",
  reads: {
    Pod: (change, { Pod: pods }) =>
      [
        ...sidesOf(change).filter(({ nodeName, hostNetwork }) => nodeName !== "" && !hostNetwork),
        ...otherSeekers(change, pods),
      ].map(ownerOfPod),
    Service: (change, { Pod: pods }) => seekersOf(change, pods).map(ownerOfPod),
  },
  nodes: {
    view: (node) => [siteText(node), ...node.hostAddresses.map(formatIp)].join(),
    owners: (node, { Pod }, before, after) => {
      const isMoved = (before && siteText(before)) !== (after && siteText(after));
      return Pod.by("node", node)
        .filter(({ hostNetwork, hostPorts }) => !hostNetwork && (isMoved || hostPorts !== undefined))
        .map(ownerOfPod);
    },
  },
  standsAlone: true,
  tables: [
    "Address_Set",
    "Load_Balancer",
    "Logical_Router",
    "Logical_Switch",
    "Logical_Switch_Port",
    "Port_Group",
  ],
  plan(owner, { namespace, name }, context) {
    const { scope, stores, places, groups, hosts } = context;
    const pod = stores.Pod.get(namespace, name);
    hosts.follow(owner, [], pod?.hostPorts ? [pod.nodeName] : []);
    if (!pod || !wantsAddress(pod)) return { facts: [] };
    const place = places.pod(pod);
    const node = places.node(pod.nodeName);
    // The pod still wants its port in case its missing node comes back.
    if (!place || !node) return { facts: [], doubt: "missing" };
    const port = place.ownPort ? podFacts(scope, owner, pod, node, place.network) : [];
    const of = (role: Role): readonly GroupMember[] =>
      groups
        .membershipsOf(role, namespace, name)
        .map(({ place: member, selection }) => ({ place: member, id: idOf(selection) }));
    const ports = plannedHostPorts(owner, pod, place, node, context);
    const facts = [...port, ...ports.facts, ...membershipFacts(scope, owner, of("subject"), of("peer"))];
    return { ...ports, facts, ...(groups.isIncomplete && { doubt: "held" }) };
  },
};

const ownerOfPod = ({ namespace, name }: Pod): Owner => ownerOf("pod", name, namespace);

/** What a pod's port depends on. */
const siteText = ({ chassisId, subnets }: ResolvedNode): string =>
  [chassisId, ...subnets.map(formatCidr)].join();
