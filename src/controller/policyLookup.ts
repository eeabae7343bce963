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
  readonly observed: Pick<Observed, "hasMembers"> & {
    readonly ports: Pick<Observed["ports"], "chassisOf" | "chassisOfMachine">;
  };
  /** The names of the ports of machines where the policy is enforced. */
  readonly machinesOf: (policy: Owner) => Iterable<string>;
  /** Whether the owner's facts are those of its present object. */
  readonly isPlanned: (owner: Owner) => boolean;
  readonly enqueue: (owner: Owner) => void;
  readonly isCommitted: (owner: Owner) => boolean;
  /** A domain name in the policy whose answers nobody hears; undefined when there is none. */
  readonly unheardIn?: (policy: Owner) => string | undefined;
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
    const unheard = options.unheardIn?.(policy);
    if (unheard !== undefined)
      return { waitsFor: `weft resolver, which has not taken it up, to learn what ${unheard} resolves to` };
    const chassis = new Set(machineCarriersOf(options, policy));
    for (const role of ["subject", "peer"] as const)
      for (const named of groups.usedBy(policy, role)) {
        const key = `${role} ${named.key}`;
        const group = known.get(key) ?? groupOf(options, role, named);
        known.set(key, group);
        if (!group.isComplete)
          return {
            waitsFor: "the northbound database to have all pods that it names in its groups",
          };
        for (const one of group.chassis) chassis.add(one);
      }
    return { chassis };
  };
}

function groupOf(options: PolicyLookup, role: Role, group: PodGroup): Group {
  const isComplete = isInDatabase(options, role, group);
  return {
    isComplete,
    chassis: isComplete && role === "subject" ? carriersOf(options, group) : new Set(),
  };
}

/** The names of the chassis that carry machines where the policy is enforced. */
export const machineCarriersOf = (
  { machinesOf, observed }: Pick<PolicyLookup, "machinesOf" | "observed">,
  policy: Owner,
): readonly string[] =>
  [...machinesOf(policy)].flatMap((port) => observed.ports.chassisOfMachine(port) ?? []);

/** Whether the northbound database has the group, with all of its pods that have ports. */
export function isInDatabase(
  { groups, observed, isCommitted }: Pick<PolicyLookup, "groups" | "observed" | "isCommitted">,
  role: Role,
  group: PodGroup,
): boolean {
  const id = idOf(group);
  if (!groups.source(role).isSettled || !isCommitted(ownerOf(role, id))) return false;
  return observed.hasMembers(role, id, portsOf(groups.members(role, group)));
}

/** The names of the chassis that carry pods of a group of subjects. What no chassis carries yet passes no packets. */
export function carriersOf(
  { groups, observed }: Pick<PolicyLookup, "groups" | "observed">,
  group: PodGroup,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { port } of groups.members("subject", group)) {
    const chassis = observed.ports.chassisOf(port);
    if (chassis !== undefined) found.add(chassis);
  }
  return found;
}

function* portsOf(members: Iterable<Place>): Iterable<PortPlace> {
  for (const { port, addresses } of members) yield { name: port, addresses };
}
