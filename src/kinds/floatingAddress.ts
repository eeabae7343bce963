// A pod's address from outside, for what comes in and for what it sends.

import { concernedBy, ownerOfFloating } from "../decide/floatingDecision.ts";
import { floatingKind } from "../decide/outerTaken.ts";
import { wantsAddress } from "../decide/places.ts";
import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import type { Names } from "../model/names.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PodPlace } from "../model/places.ts";
import { offsetIn } from "../model/site.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type OwnerKind, saying } from "./kind.ts";
import { doubtAbout } from "./pod.ts";

export const floatingAddressKind: OwnerKind<"FloatingAddress" | "Pod" | "Node"> = {
  name: floatingKind,
  of: "FloatingAddress",
  reads: {
    FloatingAddress: (change) => sidesOf(change).map(ownerOfFloating),
    Pod: (change, { FloatingAddress: floatings }) =>
      sidesOf(change).flatMap((pod) => concernedBy(pod, floatings)),
    // What is decided about a node is followed below. Here it only counts whether there is one.
    Node: ({ old, new: node }, { FloatingAddress: floatings }) =>
      old && node ? [] : [...floatings.values()].map(ownerOfFloating),
  },
  nodes: {
    view: ({ chassisId }) => chassisId ?? "",
    owners: (node, { FloatingAddress: floatings }) => on(node, floatings),
  },
  tables: ["NAT", "Load_Balancer", "Load_Balancer_Group", "Logical_Router"],
  // Where a hypervisor translates depends on which one has the pod.
  sees: (sighting, { FloatingAddress: floatings }) => {
    const { what } = sighting;
    if (what === "tenant" || what === "ports") return [...floatings.values()].map(ownerOfFloating);
    return what === "pool ports" ? on(sighting.node, floatings) : [];
  },
  plan(owner, { namespace, name }, { scope, cloud, stores, places, hosts }) {
    const grant = places.floating(owner);
    const pod = grant?.pod && stores.Pod.get(namespace, grant.pod.name);
    hosts.follow(owner, [], pod ? [pod.nodeName] : []);
    if (!grant || !stores.FloatingAddress.get(namespace, name)) return { facts: [] };
    if (!pod || pod.uid !== grant.pod?.uid || !wantsAddress(pod)) return { facts: [], doubt: "missing" };
    const place = places.pod(pod);
    const node = places.node(pod.nodeName);
    if (!place || !node) return { facts: [], doubt: doubtAbout(pod.nodeName, stores.Node, places) };
    const pairs = grant.ips.flatMap((outer) => {
      const own = place.network.addresses.find(({ ip }) => ip.family === outer.family);
      return own ? [{ outer, inner: own.ip }] : [];
    });
    const port = portOf(scope.names, pod, place, node);
    const at = { node: pod.nodeName, port };
    return saying(cloud.floatingFacts(owner, { namespace, name }, pairs, at, hosts));
  },
};

/** The pod's own port, or that of its node's pool which has its addresses. */
function portOf(names: Names, { namespace, name }: Pod, place: PodPlace, node: ResolvedNode): string {
  const [first] = place.network.addresses;
  const offset = place.ownPort || !first ? undefined : offsetIn(node, first.ip);
  return offset === undefined ? names.podPort(namespace, name) : names.poolPort(node.name, offset);
}

const on = (node: string, floatings: Stores["FloatingAddress"]): readonly Owner[] =>
  [...floatings.values()].filter(({ given }) => given.nodeName === node).map(ownerOfFloating);
