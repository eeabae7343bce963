// The groups of pods that NetworkPolicies speak of. A policy's subjects are the pods it selects; its peers are the pods
// it allows. Subjects become a port group, because ACLs match the ports of switches; peers become address sets, which
// are the cheapest to change. Both are shared by all policies that select alike.
//
// A block of addresses that a policy allows is a group too: of the nodes that have an address in it, since pods see a
// node under another address.

import { hash } from "node:crypto";
import type { NetworkPolicy, PolicyPeer } from "../kube/networkPolicy.ts";
import { contains, formatCidr, type Ip } from "../model/ip.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import type { MemberSource, Membership } from "./memberSource.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  type Selection,
} from "./selection.ts";

export type Role = "subject" | "peer";
export type AddressBlock = Extract<PolicyPeer, { readonly kind: "block" }>;

export interface GroupId {
  readonly role: Role | "block";
  readonly id: string;
}

/** What plans see. */
export interface GroupView {
  /** Whether a policy uses the selection with this id in this role, or the block. */
  isUsed(role: GroupId["role"], id: string): boolean;
  /** Policies or namespaces exist that nobody has told of yet, so it is not certain who is in no group. */
  readonly isIncomplete: boolean;
  /** Some of these policies are in this namespace, and nobody has been asked about them yet. */
  isUnaskedIn(namespace: string): boolean;
  membershipsOf(role: Role, namespace: string, pod: string): readonly Membership[];
  source(role: Role): Pick<MemberSource, "members">;
  /** The ids of the blocks in use that the address is in. */
  blocksWith(ip: Ip): readonly string[];
}

export class Groups implements GroupView {
  readonly #sources: Readonly<Record<Role, MemberSource>>;
  /** `role id` -> the policies that use the selection */
  readonly #users = new Map<string, Set<Owner>>();
  /** policy -> `role id` of what it uses */
  readonly #used = new Map<Owner, ReadonlySet<string>>();
  /** policy -> the selections that it uses */
  readonly #selections = new Map<Owner, Readonly<Record<Role, readonly Selection[]>>>();
  /** id -> a block in use */
  readonly #blocks = new Map<string, AddressBlock>();
  /** What must exist but has not been seen yet. */
  readonly #awaited = new Set<string>();
  readonly #unasked = new Set<string>();

  constructor(sources: Readonly<Record<Role, MemberSource>>) {
    this.#sources = sources;
  }

  /** From now on the policy is this; undefined when it is gone. Returns the groups that begin or end by that. */
  use(user: Owner, policy: NetworkPolicy | undefined): readonly GroupId[] {
    const wanted = { subject: policy ? [subjectsOf(policy)] : [], peer: policy ? peersOf(policy) : [] };
    const after = new Set<string>();
    for (const role of ["subject", "peer"] as const) {
      this.#sources[role].use(user, wanted[role]);
      for (const selection of wanted[role]) after.add(`${role} ${idOf(selection)}`);
    }
    for (const block of policy ? blocksOf(policy) : []) {
      const id = blockIdOf(block);
      if (id === undefined) continue;
      this.#blocks.set(id, block);
      after.add(`block ${id}`);
    }
    const before = this.#used.get(user) ?? new Set<string>();
    const changed: string[] = [];
    for (const key of after.difference(before)) {
      const users = this.#users.get(key) ?? new Set();
      if (users.size === 0) changed.push(key);
      this.#users.set(key, users.add(user));
    }
    for (const key of before.difference(after)) {
      const users = this.#users.get(key);
      users?.delete(user);
      if (users?.size !== 0) continue;
      this.#users.delete(key);
      changed.push(key);
    }
    if (after.size > 0) this.#used.set(user, after);
    else this.#used.delete(user);
    if (policy) this.#selections.set(user, wanted);
    else this.#selections.delete(user);
    const groups = changed.map(groupIdOf);
    for (const { role, id } of groups)
      if (role === "block" && !this.isUsed(role, id)) this.#blocks.delete(id);
    return groups;
  }

  get isIncomplete(): boolean {
    return this.#awaited.size > 0;
  }

  isUnaskedIn(namespace: string): boolean {
    return [...this.#unasked].some((owner) => parseOwner(owner).namespace === namespace);
  }

  /** It has been asked about, whatever the answer. */
  asked(what: string): void {
    this.#unasked.delete(what);
  }

  /** Something must be seen before it is certain that a pod is in no group. */
  await(what: string): void {
    this.#awaited.add(what);
    this.#unasked.add(what);
  }

  /** Whether nothing else is to be heard of. */
  isLast(what: string): boolean {
    return this.#awaited.size === 1 && this.#awaited.has(what);
  }

  /** It is there, or known to be gone. Returns whether that was the last one to be heard of. */
  heardOf(what: string): boolean {
    this.asked(what);
    return this.#awaited.delete(what) && this.#awaited.size === 0;
  }

  selectionsOf(user: Owner): Readonly<Record<Role, readonly Selection[]>> {
    return this.#selections.get(user) ?? { subject: [], peer: [] };
  }

  /** The policies that use the selection with this id. */
  usersOf(role: Role, id: string): Iterable<Owner> {
    return this.#users.get(`${role} ${id}`) ?? [];
  }

  isUsed(role: GroupId["role"], id: string): boolean {
    return this.#users.has(`${role} ${id}`);
  }

  membershipsOf(role: Role, namespace: string, pod: string): readonly Membership[] {
    return this.#sources[role].membershipsOf(namespace, pod);
  }

  source(role: Role): MemberSource {
    return this.#sources[role];
  }

  blocksWith(ip: Ip): readonly string[] {
    return [...this.#blocks].flatMap(([id, { range, except }]) =>
      contains(range, ip) && !except.some((one) => contains(one, ip)) ? [id] : [],
    );
  }
}

function groupIdOf(key: string): GroupId {
  const [role, id = ""] = key.split(" ");
  return { role: role === "subject" || role === "block" ? role : "peer", id };
}

/** Names a selection in OVN and in owners: 64 bits of a hash of its key. */
export const idOf = ({ key }: Selection): string => hash("sha256", key, "hex").slice(0, 16);

export const subjectsOf = ({ namespace, podSelector }: NetworkPolicy): Selection =>
  labelSelection(oneNamespace(namespace), podSelector);

/** The pods that a peer means; undefined for a block of addresses. */
export function selectionOf(peer: PolicyPeer, namespace: string): Selection | undefined {
  if (peer.kind !== "pods") return undefined;
  const scope = peer.namespaces ? namespacesMatching(peer.namespaces) : oneNamespace(namespace);
  return labelSelection(scope, peer.pods);
}

/** Names a block in OVN and in owners; undefined for one of all addresses, which needs no group. */
export const blockIdOf = ({ range, except }: AddressBlock): string | undefined =>
  range.bits === 0 && except.length === 0
    ? undefined
    : hash("sha256", [range, ...except].map(formatCidr).join(), "hex").slice(0, 16);

const blocksOf = ({ ingress = [], egress = [] }: NetworkPolicy): readonly AddressBlock[] =>
  [...ingress, ...egress].flatMap(({ peers = [] }) =>
    peers.flatMap((peer) => (peer.kind === "block" ? [peer] : [])),
  );

/** All pods: the peers of a rule that allows a port by name and names no peers. */
export const everyPod: Selection = labelSelection(allNamespaces, []);

function peersOf({ namespace, ingress = [], egress = [] }: NetworkPolicy): readonly Selection[] {
  const named = egress.some(
    ({ peers, ports }) => !peers && ports?.some(({ port }) => typeof port === "string"),
  );
  const peers = [...ingress, ...egress].flatMap(({ peers = [] }) =>
    peers.flatMap((peer) => selectionOf(peer, namespace) ?? []),
  );
  return named ? [...peers, everyPod] : peers;
}
