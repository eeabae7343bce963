// A security profile: its rules as a policy of the whole cluster has them, and the machines that have it. Its pods state
// themselves that they do.

import type { SecurityProfile } from "../kube/securityProfile.ts";
import type { Change } from "../kube/store.ts";
import { type Cidr, contains, formatIp, hostCidrOf } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type ProfileMachines, profileMachineFacts } from "../plan/securityProfile.ts";
import { idOf } from "../select/podGroup.ts";
import { profileOwner } from "../select/profileStanding.ts";
import { clusterPolicyKind, type PolicyReads } from "./clusterPolicy.ts";
import type { OwnerKind, PlanContext } from "./kind.ts";
import { profileMembers } from "./policies.ts";

const rules = clusterPolicyKind("SecurityProfile");

export const securityProfileKind: OwnerKind<PolicyReads> = {
  ...rules,
  reads: {
    ...rules.reads,
    // Rules name others, and say so where one does not exist.
    SecurityProfile: (change, stores) => [
      ...rules.reads.SecurityProfile(change, stores),
      ...(isComingOrGoing(change) ? namersOf(change, stores.SecurityProfile) : []),
    ],
  },
  sees: (sighting, { SecurityProfile: profiles }) => {
    if (sighting.what === "tenant") return [...profiles.values()].filter(hasPorts).map(ownerOfProfile);
    if (sighting.what !== "machine ports") return [];
    return [...sighting.names].flatMap((port) => profiles.by("machine", port).map(ownerOfProfile));
  },
  nodes: {
    view: ({ hostAddresses, subnets, gateway }) =>
      [...hostAddresses.map(formatIp), ...subnets.map(({ ip }) => formatIp(ip)), gateway?.mac].join(),
    owners: (_, { SecurityProfile: profiles }) =>
      [...profiles.values()].filter(({ addresses }) => addresses.length > 0).map(ownerOfProfile),
  },
  plan(owner, name, context) {
    const planned = rules.plan(owner, name, context);
    const profile = context.stores.SecurityProfile.get("", name.name);
    if (!profile || planned === "as before" || "notNow" in planned) return planned;
    const { machines, problems } = machinesOf(profile, context);
    const hasRules = profile.ingress.length + profile.egress.length > 0;
    const id = idOf(profileMembers(profile.name));
    const facts = profileMachineFacts(context.scope, owner, id, machines, hasRules);
    const missing = profile.named
      .filter((one) => !context.stores.SecurityProfile.get("", one))
      .map((one) => `its rules name the profile ${one}, which does not exist, so they match nobody for it`);
    const faults = [planned.malformed, ...problems, ...missing].filter((fault) => fault !== undefined);
    return {
      ...planned,
      facts: [...planned.facts, ...facts],
      malformed: faults.length > 0 ? faultText(faults) : undefined,
    };
  },
};

const mostFaults = 5;

const faultText = (faults: readonly string[]): string => {
  const more = faults.length - mostFaults;
  return [...faults.slice(0, mostFaults), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
};

const ownerOfProfile = ({ name }: SecurityProfile): Owner => profileOwner(name);
const hasPorts = ({ ports }: SecurityProfile): boolean => ports.length > 0;

const isComingOrGoing = ({ old, new: now }: Change<SecurityProfile>): boolean => !old || !now;

const namersOf = (
  change: Change<SecurityProfile>,
  profiles: PlanContext<PolicyReads>["stores"]["SecurityProfile"],
): readonly Owner[] => sidesOf(change).flatMap(({ name }) => profiles.by("named", name).map(ownerOfProfile));

/** What can be done about the profile's machines, and what cannot, for people. */
function machinesOf(
  { addresses, ports }: SecurityProfile,
  { machinePort, stores, places, cloud }: PlanContext<PolicyReads>,
): { readonly machines: ProfileMachines; readonly problems: readonly string[] } {
  const found = ports.map((name) => ({ name, port: machinePort(name) }));
  const sound = found.flatMap(({ port }) => ("problem" in port ? [] : [port]));
  const problems = found.flatMap(({ name, port }) =>
    "problem" in port ? [`the port ${name} ${port.problem}`] : [],
  );
  return {
    machines: {
      addresses: [
        ...addresses,
        ...sound.flatMap((port) => port.addresses.map(hostCidrOf)),
        ...nodesIn(addresses, { stores, places, cloud }),
      ],
      ports: sound.map(({ ref }) => ref),
    },
    problems,
  };
}

/** What pods see of the nodes that have one of these addresses. */
const nodesIn = (
  addresses: readonly Cidr[],
  { stores, places, cloud }: Pick<PlanContext<PolicyReads>, "stores" | "places" | "cloud">,
): readonly Cidr[] =>
  addresses.length === 0
    ? []
    : [...stores.Node.values()].flatMap(({ name }) => {
        const node = places.node(name);
        if (!node?.hostAddresses.some((ip) => addresses.some((range) => contains(range, ip)))) return [];
        return cloud
          .standIns(node)
          .filter(({ host }) => addresses.some((range) => contains(range, host)))
          .map(({ management }) => hostCidrOf(management));
      });
