// How a member's database begins, from what its disk has and what the other members say. Pure.
//
// There must never be two clusters. So only the first member of the configuration ever makes one, and only when every other
// member has answered that it knows of none: a member whose disk is new, in a cluster that lives, joins it. All others
// only ever join. If two of three disks are lost, nothing begins anew by itself: that is for an operator to decide.

import { type DatabaseName, type Member, type OwnPlace, peersOf, places, raftAddressOf } from "./members.ts";

/** What a member's disk has. */
export type Disk =
  | { readonly kind: "nothing" }
  | { readonly kind: "standalone" }
  /** `address` is its own, as the file has it. */
  | { readonly kind: "clustered"; readonly address: string };

/** What another member's server says: of which cluster it is, that it has not joined one yet, or nothing. */
export type Answer = { readonly cluster: string } | "waits" | "silent";

export type Beginning =
  | { readonly kind: "use" }
  | { readonly kind: "create standalone" }
  | { readonly kind: "create cluster"; readonly from: "schema" | "standalone" }
  | { readonly kind: "join"; readonly remotes: readonly string[] }
  /** To ask again later. */
  | { readonly kind: "wait"; readonly why: string }
  | { readonly kind: "refuse"; readonly why: string };

export interface Situation {
  readonly name: DatabaseName;
  readonly place: OwnPlace;
  /** A cluster is wanted, even with a single member. */
  readonly clustered: boolean;
  readonly disk: Disk;
  readonly answers: ReadonlyMap<Member, Answer>;
}

export function beginningOf({ name, place, clustered, disk, answers }: Situation): Beginning {
  const { own, members } = place;
  const isAlone = members.length === 1;
  const { file } = places[name];
  if (disk.kind === "clustered") {
    const address = raftAddressOf(own, name);
    return disk.address === address
      ? { kind: "use" }
      : {
          kind: "refuse",
          why: `${file} belongs to a cluster member at ${disk.address}, but this member is at ${address}: remove the file, and this member joins the cluster again`,
        };
  }
  if (isAlone) {
    if (disk.kind === "standalone")
      return clustered ? { kind: "create cluster", from: "standalone" } : { kind: "use" };
    return clustered ? { kind: "create cluster", from: "schema" } : { kind: "create standalone" };
  }
  if (disk.kind === "standalone")
    return {
      kind: "refuse",
      why: `${file} is the database of a single server: make it a cluster of one first, with central.clustered and this node alone in central.nodes; then add the others`,
    };
  const join: Beginning = {
    kind: "join",
    remotes: peersOf(place).map((peer) => raftAddressOf(peer, name)),
  };
  if (own.node !== members[0]?.node) return join;
  const said = [...answers.values()];
  if (said.some((answer) => typeof answer === "object")) return join;
  const silent = [...answers].flatMap(([{ node }, answer]) => (answer === "silent" ? [node] : []));
  return silent.length > 0
    ? {
        kind: "wait",
        why: `no answer from ${silent.join(" and ")}: a cluster begins only when all members answer`,
      }
    : { kind: "create cluster", from: "schema" };
}
