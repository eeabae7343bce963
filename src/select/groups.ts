// The groups of pods and nodes that policies speak of. A policy's subjects are the pods it selects; its peers are those that
// its rules name. Subjects become a port group, because ACLs match the ports of switches; peers become address sets, which
// are the cheapest to change. Both are shared by all policies that speak of the same.
//
// A block of addresses is a group too: of the nodes that have an address in it, since pods see a node under another
// address.

import type { Ip } from "../model/ip.ts";
import { Multimap } from "../model/multimap.ts";
import type { Owner } from "../model/owner.ts";
import type { Place } from "../model/place.ts";
import type { MemberSource, MembershipChange } from "./memberSource.ts";
import { type NameGroup, nameGroupId } from "./nameGroup.ts";
import { type NodeGroup, nodeAddressesIn, nodeGroupId, type SeenNode } from "./nodeGroup.ts";
import { addressesIn, idOf, type PodGroup, selectionsOf } from "./podGroup.ts";
import { hasPod, type SeenPod } from "./selection.ts";
import { Unconfirmed } from "./unconfirmed.ts";

export type Role = "subject" | "peer";
const roles = ["subject", "peer"] as const satisfies readonly Role[];

export interface GroupId {
  readonly role: Role | "block" | "name";
  readonly id: string;
}

/** What a change of a policy changes about the groups in use. */
export interface GroupChange {
  /** Groups that come into use or go out of use. */
  readonly groups: readonly GroupId[];
  /** The places of pods that are, or were, in one of these groups. */
  readonly places: ReadonlySet<Place>;
}

/** The groups that a policy names. */
export interface NamedGroups {
  readonly subject: readonly PodGroup[];
  readonly peer: readonly PodGroup[];
  readonly nodes: readonly NodeGroup[];
  readonly names?: readonly NameGroup[];
}

/** A member of a group, by the group's id. */
export interface Membership {
  readonly id: string;
  /** The name of the port. */
  readonly port: string;
  /** Those of its addresses that are in the group. */
  readonly addresses: readonly Ip[];
}

/** What plans see. */
export interface GroupView {
  /** Whether a policy uses the group with this id in this role. */
  isUsed(role: GroupId["role"], id: string): boolean;
  /** Objects that are not listed and may decide who is in a group. While there are any, it is uncertain who is in none. */
  readonly unconfirmed: Pick<Unconfirmed, "isEmpty" | "has" | "mayMissPolicyIn">;
  membershipsOf(role: Role, namespace: string, pod: string): readonly Membership[];
  /** The pods in a group that is in use, with those of their addresses that are. */
  members(role: Role, group: PodGroup): Iterable<Place>;
  /** The groups that a port with these addresses belongs to when it is the pod's, by their ids. */
  meantFor(pod: SeenPod, addresses: readonly Ip[]): MeantGroups;
  /** The group of a domain name with this id, while a policy uses it. */
  nameGroup(id: string): NameGroup | undefined;
  /** The groups in use that addresses of the node are in, with these. */
  nodeMemberships(node: SeenNode): readonly Omit<Membership, "port">[];
}

export interface MeantGroups {
  readonly subject: ReadonlySet<string>;
  readonly peer: ReadonlyMap<string, readonly Ip[]>;
}

export class Groups implements GroupView {
  readonly unconfirmed = new Unconfirmed();
  readonly #sources: Readonly<Record<Role, MemberSource>>;
  /** `role id` -> the policies that use the group */
  readonly #users = new Map<string, Set<Owner>>();
  /** policy -> `role id` of what it uses */
  readonly #used = new Map<Owner, ReadonlySet<string>>();
  /** key of the selection that a group is made of -> id -> a group in use */
  readonly #pods: Readonly<Record<Role, Map<string, Map<string, PodGroup>>>> = {
    subject: new Map(),
    peer: new Map(),
  };
  /** `role id` -> the group */
  readonly #inUse = new Map<string, PodGroup>();
  /** `role` and key of a selection -> `role id` of the groups that it decides about */
  readonly #madeOf = new Multimap<string, string>();
  /** id -> a group in use */
  readonly #nodes = new Map<string, NodeGroup>();
  /** id -> a group in use */
  readonly #names = new Map<string, NameGroup>();

  constructor(sources: Readonly<Record<Role, MemberSource>>) {
    this.#sources = sources;
  }

  /** From now on the policy names these groups; undefined when the policy is gone. */
  use(user: Owner, named: NamedGroups | undefined): GroupChange {
    const before = this.#used.get(user) ?? new Set<string>();
    const wanted = new Map<string, PodGroup | NodeGroup | NameGroup>();
    for (const role of roles)
      for (const group of named?.[role] ?? []) wanted.set(`${role} ${idOf(group)}`, group);
    for (const group of named?.nodes ?? []) {
      const id = nodeGroupId(group);
      if (id !== undefined) wanted.set(`block ${id}`, group);
    }
    for (const group of named?.names ?? []) wanted.set(`name ${nameGroupId(group)}`, group);
    const after = new Set(wanted.keys());
    const ended = [...before.difference(after)].filter((key) => this.#leave(key, user)).map(groupIdOf);
    // Selections that go on have no news of their own about who is no longer, or who is now, in a group of them.
    const places = new Set(ended.flatMap((group) => this.#placesOf(group)));
    for (const group of ended) this.#forget(group);
    for (const role of roles) this.#sources[role].use(user, (named?.[role] ?? []).flatMap(selectionsOf));
    const begun = [...after.difference(before)].filter((key) => this.#join(key, user)).map(groupIdOf);
    for (const [key, group] of wanted) this.#file(groupIdOf(key), group);
    for (const group of begun) for (const place of this.#placesOf(group)) places.add(place);
    if (after.size > 0) this.#used.set(user, after);
    else this.#used.delete(user);
    return { groups: [...begun, ...ended], places };
  }

  /** The groups that the policy names in the role. A group that stays in use is the same object. */
  usedBy(user: Owner, role: Role): readonly PodGroup[] {
    return [...(this.#used.get(user) ?? [])].flatMap((key) =>
      key.startsWith(`${role} `) ? (this.#inUse.get(key) ?? []) : [],
    );
  }

  /** The policies that name a group which gains members by this change of a selection. */
  *gainers(role: Role, { selection, added, removed }: MembershipChange): Iterable<Owner> {
    for (const key of this.#madeOf.get(`${role} ${selection.key}`)) {
      const isExcept = this.#inUse.get(key)?.except.some((one) => one.key === selection.key);
      if ((isExcept ? removed : added).length > 0) yield* this.#users.get(key) ?? [];
    }
  }

  source(role: Role): Pick<MemberSource, "subscribe" | "isSettled"> {
    return this.#sources[role];
  }

  isUsed(role: GroupId["role"], id: string): boolean {
    return this.#users.has(`${role} ${id}`);
  }

  membershipsOf(role: Role, namespace: string, pod: string): readonly Membership[] {
    const found = Map.groupBy(this.#sources[role].membershipsOf(namespace, pod), ({ place }) => place);
    return [...found].flatMap(([{ port, addresses }, of]) => {
      const keys = new Set(of.map(({ selection }) => selection.key));
      return [...keys].flatMap((key) =>
        [...(this.#pods[role].get(key) ?? [])].flatMap(([id, group]) => {
          const there = addressesIn(group, (selection) => keys.has(selection.key), addresses);
          return there ? [{ id, port, addresses: there }] : [];
        }),
      );
    });
  }

  *members(role: Role, group: PodGroup): Iterable<Place> {
    const source = this.#sources[role];
    for (const place of source.members(group.of)) {
      const has = (selection: PodGroup["of"]): boolean => source.members(selection).has(place);
      const addresses = addressesIn(group, has, place.addresses);
      if (addresses) yield addresses.length === place.addresses.length ? place : { ...place, addresses };
    }
  }

  meantFor(pod: SeenPod, addresses: readonly Ip[]): MeantGroups {
    const found = (role: Role): readonly (readonly [string, readonly Ip[]])[] =>
      [...this.#pods[role].values()].flatMap((groups) =>
        [...groups].flatMap(([id, group]) => {
          const there = addressesIn(group, (selection) => hasPod(selection, pod), addresses);
          return there ? [[id, there] as const] : [];
        }),
      );
    return { subject: new Set(found("subject").map(([id]) => id)), peer: new Map(found("peer")) };
  }

  nameGroup(id: string): NameGroup | undefined {
    return this.#names.get(id);
  }

  /** All groups of domain names in use, by their ids. */
  get nameGroups(): ReadonlyMap<string, NameGroup> {
    return this.#names;
  }

  /** The policies that use the group. */
  usersOf({ role, id }: GroupId): ReadonlySet<Owner> {
    return this.#users.get(`${role} ${id}`) ?? new Set();
  }

  nodeMemberships(node: SeenNode): readonly Omit<Membership, "port">[] {
    return [...this.#nodes].flatMap(([id, group]) => {
      const addresses = nodeAddressesIn(group, node);
      return addresses.length === 0 ? [] : [{ id, addresses }];
    });
  }

  /** Returns whether nobody has used the group before. */
  #join(key: string, user: Owner): boolean {
    const users = this.#users.get(key) ?? new Set();
    this.#users.set(key, users.add(user));
    return users.size === 1;
  }

  /** Returns whether nobody uses the group any more. */
  #leave(key: string, user: Owner): boolean {
    const users = this.#users.get(key);
    users?.delete(user);
    return users?.size === 0 && this.#users.delete(key);
  }

  /** The members as far as they are known. */
  #placesOf({ role, id }: GroupId): readonly Place[] {
    if (role === "block" || role === "name") return [];
    const group = this.#inUse.get(`${role} ${id}`);
    return group ? [...this.members(role, group)] : [];
  }

  #file({ role, id }: GroupId, group: PodGroup | NodeGroup | NameGroup): void {
    if ("kind" in group) {
      if (group.kind === "name") this.#names.set(id, group);
      else this.#nodes.set(id, group);
    } else if ((role === "subject" || role === "peer") && !this.#inUse.has(`${role} ${id}`)) {
      this.#inUse.set(`${role} ${id}`, group);
      for (const { key } of selectionsOf(group)) this.#madeOf.add(`${role} ${key}`, `${role} ${id}`);
      const groups = this.#pods[role].get(group.of.key) ?? new Map<string, PodGroup>();
      this.#pods[role].set(group.of.key, groups.set(id, group));
    }
  }

  #forget({ role, id }: GroupId): void {
    if (role === "block" || role === "name") {
      (role === "block" ? this.#nodes : this.#names).delete(id);
      return;
    }
    const group = this.#inUse.get(`${role} ${id}`);
    if (!group) return;
    this.#inUse.delete(`${role} ${id}`);
    for (const { key } of selectionsOf(group)) this.#madeOf.delete(`${role} ${key}`, `${role} ${id}`);
    const groups = this.#pods[role].get(group.of.key);
    if (groups?.delete(id) && groups.size === 0) this.#pods[role].delete(group.of.key);
  }
}

function groupIdOf(key: string): GroupId {
  const [role, id = ""] = key.split(" ");
  return { role: role === "subject" || role === "block" || role === "name" ? role : "peer", id };
}
