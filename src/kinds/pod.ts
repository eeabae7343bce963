// A pod: its port, unless that is from its node's pool, which states it; and the groups of pods that it is in.

import { wantsAddress } from "../decide/places.ts";
import { formatCidr } from "../model/ip.ts";
import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type GroupMember, membershipFacts } from "../plan/groups.ts";
import { podFacts } from "../plan/pod.ts";
import { idOf, type Role } from "../select/groups.ts";
import type { OwnerKind } from "./kind.ts";

export const podKind: OwnerKind<"Pod"> = {
  name: "pod",
  of: "Pod",
  reads: {
    Pod: (change) =>
      sidesOf(change)
        .filter(({ nodeName, hostNetwork }) => nodeName !== "" && !hostNetwork)
        .map(({ namespace, name }) => ownerOf("pod", name, namespace)),
  },
  nodes: {
    view: ({ chassisId, subnets }) => [chassisId, ...subnets.map(formatCidr)].join(),
    owners: (node, { Pod }) =>
      Pod.by("node", node)
        .filter(({ hostNetwork }) => !hostNetwork)
        .map(({ namespace, name }) => ownerOf("pod", name, namespace)),
  },
  standsAlone: true,
  tables: ["Address_Set", "Logical_Switch", "Logical_Switch_Port", "Port_Group"],
  plan(owner, { namespace, name }, { scope, stores, places, groups }) {
    const pod = stores.Pod.get(namespace, name);
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
    const facts = [...port, ...membershipFacts(scope, owner, of("subject"), of("peer"))];
    return { facts, ...(groups.isIncomplete && { doubt: "held" }) };
  },
};
