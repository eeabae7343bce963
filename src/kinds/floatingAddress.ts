// A pod's address from outside, for what comes in and for what it sends.

import { concernedBy } from "../decide/floatingDecision.ts";
import { floatingKind } from "../decide/outerTaken.ts";
import { wantsAddress } from "../decide/places.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type OwnerKind, saying } from "./kind.ts";
import { doubtAbout } from "./pod.ts";

export const floatingAddressKind: OwnerKind<"FloatingAddress" | "Pod" | "Node"> = {
  name: floatingKind,
  of: "FloatingAddress",
  reads: {
    FloatingAddress: (change) =>
      sidesOf(change).map(({ namespace, name }) => ownerOf(floatingKind, name, namespace)),
    Pod: (change, { FloatingAddress: floatings }) =>
      sidesOf(change).flatMap((pod) => concernedBy(pod, floatings)),
    // What is decided about a node is followed below. Here it only counts whether there is one.
    Node: ({ old, new: node }, { FloatingAddress: floatings }) =>
      old && node ? [] : [...floatings.values()].map(ownerOfFloating),
  },
  nodes: {
    view: ({ chassisId }) => chassisId ?? "",
    owners: (node, { FloatingAddress: floatings }) =>
      [...floatings.values()].filter(({ given }) => given.nodeName === node).map(ownerOfFloating),
  },
  tables: ["NAT", "Load_Balancer", "Load_Balancer_Group", "Logical_Router"],
  sees: ({ what }, { FloatingAddress: floatings }) =>
    what === "tenant" ? [...floatings.values()].map(ownerOfFloating) : [],
  plan(owner, { namespace, name }, { cloud, stores, places, hosts }) {
    const grant = places.floating(owner);
    const pod = grant?.pod && stores.Pod.get(namespace, grant.pod.name);
    hosts.follow(owner, [], pod ? [pod.nodeName] : []);
    if (!grant || !stores.FloatingAddress.get(namespace, name)) return { facts: [] };
    if (!pod || pod.uid !== grant.pod?.uid || !wantsAddress(pod)) return { facts: [], doubt: "missing" };
    const place = places.pod(pod);
    if (!place || !places.node(pod.nodeName))
      return { facts: [], doubt: doubtAbout(pod.nodeName, stores.Node, places) };
    const pairs = grant.ips.flatMap((outer) => {
      const own = place.network.addresses.find(({ ip }) => ip.family === outer.family);
      return own ? [{ outer, inner: own.ip }] : [];
    });
    return saying(cloud.floatingFacts(owner, { namespace, name }, pairs, pod, hosts));
  },
};

const ownerOfFloating = ({ namespace, name }: { readonly namespace: string; readonly name: string }): Owner =>
  ownerOf(floatingKind, name, namespace);
