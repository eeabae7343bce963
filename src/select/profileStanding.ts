// Which security profiles a pod has: of those that it asks for by its annotation, the ones that its namespace may have, and
// those that its namespace's pods always have. A pod that asks for any other one is closed. Whoever may write a pod may write
// its annotation, so this is decided here, from the profiles and the labels of namespaces, and nowhere else.

import { selects } from "../kube/labelSelector.ts";
import type { Pod } from "../kube/objects.ts";
import { profileLabel, refusedLabel } from "../kube/profileClaims.ts";
import type { Stores } from "../kube/stores.ts";
import { ownerOf } from "../model/owner.ts";
import { type PodGroup, wholeGroup } from "./podGroup.ts";
import { allNamespaces, type Labels, labelSelection } from "./selection.ts";

export interface ProfileReads {
  readonly Namespace: Pick<Stores["Namespace"], "get">;
  readonly SecurityProfile: Pick<Stores["SecurityProfile"], "get" | "by">;
}

export interface ProfileStanding {
  /** The profiles that the pod has. */
  readonly has: readonly string[];
  /** Why it is closed, for people; undefined when it is not. */
  readonly refused: string | undefined;
  /** Something that decides this is not confirmed yet. Until then it has not what it depends on, and is not closed. */
  readonly isUnknown: boolean;
}

const none: ProfileStanding = { has: [], refused: undefined, isUnknown: false };

/** `isUnconfirmed`: whether an owner has rows, and nobody knows yet whether its object still exists. */
export function profileStandingOf(
  { namespace, profiles }: Pick<Pod, "namespace" | "profiles">,
  { Namespace, SecurityProfile }: ProfileReads,
  isUnconfirmed: (owner: string) => boolean = () => false,
): ProfileStanding {
  const always = SecurityProfile.by("assignment", "Always");
  if (!profiles && always.length === 0) return none;
  const known = Namespace.get("", namespace);
  if (!known) return { ...none, isUnknown: true };
  const has = new Set(
    always.flatMap(({ name, namespaces }) => (namespaces && selects(namespaces, known.labels) ? [name] : [])),
  );
  const wrong: string[] = profiles?.problem === undefined ? [] : [profiles.problem];
  let isUnknown = false;
  for (const name of profiles?.names ?? []) {
    const profile = SecurityProfile.get("", name);
    if (profile?.namespaces && selects(profile.namespaces, known.labels)) has.add(name);
    else if (profile) wrong.push(`pods of namespace ${namespace} may not have the profile ${name}`);
    else if (isUnconfirmed(profileOwner(name))) isUnknown = true;
    else wrong.push(`there is no SecurityProfile ${name}`);
  }
  return { has: [...has].toSorted(), refused: wrong.length > 0 ? wrong.join("; ") : undefined, isUnknown };
}

export const profileOwner = (profile: string): string => ownerOf("securityprofile", profile);

/** The pod's labels, with what stands for its profiles. */
export function labelsWithProfiles(labels: Labels, { has, refused }: ProfileStanding): Labels {
  if (has.length === 0 && refused === undefined) return labels;
  return {
    ...labels,
    ...Object.fromEntries(has.map((name) => [profileLabel(name), ""])),
    ...(refused !== undefined && { [refusedLabel]: "" }),
  };
}

/** The pods that are closed because of a profile that they ask for. */
export const refusedPods: PodGroup = wholeGroup(
  labelSelection(allNamespaces, [{ key: refusedLabel, operator: "Exists", values: [] }]),
);
