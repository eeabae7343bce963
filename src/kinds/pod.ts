// A pod with a port of its own. A pod with a port from its node's pool states nothing: the pool does.

import { wantsAddress } from "../decide/places.ts";
import { formatCidr } from "../model/ip.ts";
import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { podFacts } from "../plan/pod.ts";
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
  tables: ["Logical_Switch", "Logical_Switch_Port"],
  plan(owner, { namespace, name }, { scope, stores, places }) {
    const pod = stores.Pod.get(namespace, name);
    if (!pod || !wantsAddress(pod)) return { facts: [] };
    const place = places.pod(pod);
    const node = places.node(pod.nodeName);
    // The pod still wants its port in case its missing node comes back.
    if (!place || !node) return { facts: [], doubt: "missing" };
    return { facts: place.ownPort ? podFacts(scope, owner, pod, node, place.network) : [] };
  },
};
