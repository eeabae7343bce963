// The groups of pods that NetworkPolicies speak of. A policy's subjects are the pods it selects; its peers are the pods
// it allows. Subjects become a port group, because ACLs match the ports of switches; peers become address sets, which
// are the cheapest to change. Both are shared by all policies that select alike.

import { hash } from "node:crypto";
import type { NetworkPolicy, PolicyPeer } from "../kube/networkPolicy.ts";
import type { Owner } from "../model/owner.ts";
import type { MemberSource, Membership } from "./memberSource.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  type Selection,
} from "./selection.ts";

export type Role = "subject" | "peer";

/** What plans see. */
export interface GroupView {
  /** Whether a policy uses the selection with this id in this role. */
  isUsed(role: Role, id: string): boolean;
  /** Policies or namespaces exist that nobody has told of yet, so it is not certain who is in no group. */
  readonly isIncomplete: boolean;
  membershipsOf(role: Role, namespace: string, pod: string): readonly Membership[];
  source(role: Role): Pick<MemberSource, "members">;
}

export class Groups implements GroupView {
  readonly #sources: Readonly<Record<Role, MemberSource>>;
  /** `role id` -> the policies that use the selection */
  readonly #users = new Map<string, Set<Owner>>();
  /** policy -> `role id` of what it uses */
  readonly #used = new Map<Owner, ReadonlySet<string>>();
  /** What must exist, and of which nothing has been heard. */
  readonly #awaited = new Set<string>();

  constructor(sources: Readonly<Record<Role, MemberSource>>) {
    this.#sources = sources;
  }

  /** From now on the policy is this; undefined when it is gone. Returns the groups that begin or end by that. */
  use(
    user: Owner,
    policy: NetworkPolicy | undefined,
  ): readonly { readonly role: Role; readonly id: string }[] {
    const wanted = { subject: policy ? [subjectsOf(policy)] : [], peer: policy ? peersOf(policy) : [] };
    const after = new Set<string>();
    for (const role of ["subject", "peer"] as const) {
      this.#sources[role].use(user, wanted[role]);
      for (const selection of wanted[role]) after.add(`${role} ${idOf(selection)}`);
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
    return changed.map((key) => {
      const [role, id = ""] = key.split(" ");
      return { role: role === "subject" ? "subject" : "peer", id };
    });
  }

  get isIncomplete(): boolean {
    return this.#awaited.size > 0;
  }

  /** Something is to be heard of before anybody is certain to be in no group. */
  await(what: string): void {
    this.#awaited.add(what);
  }

  /** It is there, or known to be gone. Returns whether that was the last one to be heard of. */
  heardOf(what: string): boolean {
    return this.#awaited.delete(what) && this.#awaited.size === 0;
  }

  isUsed(role: Role, id: string): boolean {
    return this.#users.has(`${role} ${id}`);
  }

  membershipsOf(role: Role, namespace: string, pod: string): readonly Membership[] {
    return this.#sources[role].membershipsOf(namespace, pod);
  }

  source(role: Role): MemberSource {
    return this.#sources[role];
  }
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

/** All pods: whom a rule means that allows a port by name and names no peers. */
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
