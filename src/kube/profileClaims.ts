// The security profiles that a pod asks for by its annotation. A pod that has a profile is seen by selections as if it had a
// label for it, whose key no API takes for a label's. So who is in a profile is followed as all else is that selectors
// select. Which of those that it asks for a pod has is decided elsewhere (select/profileStanding.ts).

import { annotations as names } from "../model/names.ts";
import { isObjectName } from "./objectName.ts";
import type { LabelSelector, ProfileClaims } from "./objects.ts";

/** So many can a pod have. */
const most = 16;

/** Undefined when the pod asks for none. */
export function profileClaimsOf(annotations: Readonly<Record<string, string>>): ProfileClaims | undefined {
  const text = annotations[names.securityProfiles];
  if (text === undefined || text.trim() === "") return undefined;
  const words = text.split(",").map((word) => word.trim());
  const wrong = words.find((word) => !isObjectName(word));
  const claimed = [...new Set(words.filter(isObjectName))].toSorted();
  const problem =
    wrong !== undefined
      ? `${JSON.stringify(wrong.slice(0, 60))} is no name of a profile`
      : claimed.length > most
        ? `it names ${claimed.length} profiles, and a pod may have ${most}`
        : undefined;
  return Object.freeze({ names: Object.freeze(claimed.slice(0, most)), problem });
}

/** The key of what stands for a label: the pod has the profile. */
export const profileLabel = (profile: string): string => `security profile ${profile}`;

/** The key of what stands for a label: the pod asks for a profile that it may not have, or that does not exist. */
export const refusedLabel = "security profiles refused";

/** The pods that have the profile. */
export const havingProfile = (profile: string): LabelSelector =>
  Object.freeze([Object.freeze({ key: profileLabel(profile), operator: "Exists", values: [] })]);
