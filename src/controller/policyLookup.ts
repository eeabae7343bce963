// Whether the northbound database has a policy as it is now, and every pod that it speaks of; and if so, which chassis
// carry the pods that it selects.

import { type Owner, ownerOf } from "../model/owner.ts";
import type { Place } from "../model/place.ts";
import type { PortPlace } from "../observe/groupRows.ts";
import type { Observed } from "../observe/observed.ts";
import type { Groups, Role } from "../select/groups.ts";
import { idOf, type PodGroup } from "../select/podGroup.ts";

export interface PolicyLookup {
  readonly groups: Pick<Groups, "usedBy" | "members" | "source">;
  readonly observed: Pick<Observed, "hasMembers"> & { readonly ports: Pick<Observed["ports"], "chassisOf"> };
  /** Whether the owner's facts are those of its present object. */
  readonly isPlanned: (owner: Owner) => boolean;
  readonly enqueue: (owner: Owner) => void;
  readonly isCommitted: (owner: Owner) => boolean;
}

export type Found =
  /** What has to come about first, for people. */
  { readonly waitsFor: string } | { readonly chassis: ReadonlySet<string> };

interface Group {
  readonly isComplete: boolean;
  /** Those that carry its pods; of subjects only. */
  readonly chassis: ReadonlySet<string>;
}

/**
 * Looks at one policy after the other, and at each group once. `refusal` is why the database refuses the policy, if it
 * does.
 */
export function policyLookup(options: PolicyLookup): (policy: Owner, refusal: string | undefined) => Found {
  const { groups, isPlanned, isCommitted, enqueue } = options;
  const known = new Map<string, Group>();
  return (policy, refusal) => {
    if (!isPlanned(policy)) {
      enqueue(policy);
      return { waitsFor: "the controller to plan it" };
    }
    if (!isCommitted(policy)) {
      const what = refusal === undefined ? " to take it" : `, which refuses it: ${refusal}`;
      return { waitsFor: `the northbound database${what}` };
    }
    const chassis = new Set<string>();
    for (const role of ["subject", "peer"] as const)
      for (const spoken of groups.usedBy(policy, role)) {
        const key = `${role} ${spoken.key}`;
        const group = known.get(key) ?? groupOf(options, role, spoken);
        known.set(key, group);
        if (!group.isComplete)
          return {
            waitsFor: "the northbound database to have all pods that it speaks of in its groups",
          };
        for (const one of group.chassis) chassis.add(one);
      }
    return { chassis };
  };
}

function groupOf({ groups, observed, isCommitted }: PolicyLookup, role: Role, group: PodGroup): Group {
  const source = groups.source(role);
  const members = [...groups.members(role, group)];
  const id = idOf(group);
  const isComplete =
    source.isSettled && isCommitted(ownerOf(role, id)) && observed.hasMembers(role, id, portsOf(members));
  const chassis = new Set<string>();
  if (isComplete && role === "subject")
    for (const { port } of members) {
      const carrier = observed.ports.chassisOf(port);
      // What no chassis carries yet passes no packets.
      if (carrier !== undefined) chassis.add(carrier);
    }
  return { isComplete, chassis };
}

function* portsOf(members: Iterable<Place>): Iterable<PortPlace> {
  for (const { port, addresses } of members) yield { name: port, addresses };
}
