// Which pods the pod network has owners for: those that are on a node and do not share its network.

import type { ObjectMeta, Pod } from "../kube/objects.ts";
import type { Change } from "../kube/store.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";

export const isOnPodNetwork = ({ nodeName, hostNetwork }: Pod): boolean => nodeName !== "" && !hostNetwork;

export const ownerOfPod = ({ namespace, name }: Pick<ObjectMeta, "namespace" | "name">): Owner =>
  ownerOf("pod", name, namespace);

/** The owners that a change of a pod concerns. */
export const podOwners = (change: Change<Pod>): readonly Owner[] =>
  sidesOf(change).filter(isOnPodNetwork).map(ownerOfPod);
