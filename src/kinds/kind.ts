// A kind of owner. Everything the controller knows about nodes, pods or Services comes from one of these. Stores,
// queue, planner, dry run, metrics and the copy of the database are loops over their list (kinds.ts).

import type { Cloud, NotYet, Said } from "../cloud/cloud.ts";
import type { Places } from "../decide/places.ts";
import type { Absence } from "../desired/absence.ts";
import type { Kind } from "../kube/kinds.ts";
import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import type { Fact } from "../model/fact.ts";
import type { Ip } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner, OwnerName } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { AnyConcerns, Concerns } from "../observe/concerns.ts";
import type { MachinePort } from "../observe/machinePorts.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Hosts } from "../plan/hosts.ts";
import type { GoneEndpoints } from "../plan/lateFlush.ts";
import type { GroupView } from "../select/groups.ts";
import type { NameGroup } from "../select/nameGroup.ts";
import type { ProfileStanding } from "../select/profileStanding.ts";

/** `K`: the kinds of objects that its plan reads. */
export interface OwnerKind<K extends Kind = Kind> extends Concerns<K> {
  /** The first word of its owners' names. */
  readonly name: string;
  /** The kind of the objects that its owners stand for, each named like its object; undefined when there is none. */
  readonly of: K | undefined;
  /** Its objects are policies: people are told whether they are in force (controller/policyStates.ts). */
  readonly isPolicy?: true;
  /** Owners that exist without an object. Others' rows refer to theirs, so they are planned before all others. */
  readonly always?: readonly Owner[];
  /** The northbound tables that its plan writes. */
  readonly tables: readonly (keyof NorthboundTables)[];
  /** What the owner states, from objects and decisions alone. Called whenever any of these may have changed. */
  plan(owner: Owner, name: OwnerName, context: PlanContext<K>): Planned;
}

/** Any kind of owner, for callers that pass every store to every kind. */
export type AnyOwnerKind = AnyConcerns & Omit<OwnerKind, "reads">;

export interface PlanContext<K extends Kind> {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  readonly cloud: Cloud;
  readonly stores: Pick<Stores, K>;
  readonly places: Places;
  /**
   * Nodes by the addresses they answer on. An owner that looks up addresses here is planned again when one of them
   * moves to another node.
   */
  readonly hosts: Hosts;
  /** The groups of pods that policies speak of, complete for all that the stores hold. */
  readonly groups: GroupView;
  /** The addresses that a domain name has now. */
  readonly learned: (group: NameGroup) => readonly Ip[];
  /** Which security profiles a pod has, and why it is closed if it is. */
  readonly standingOf: (pod: Pod) => ProfileStanding;
  /** The logical switch port of a machine that is not the cluster's. */
  readonly machinePort: (name: string) => MachinePort;
  /** Endpoints whose connections are flushed once more. */
  readonly gone: () => GoneEndpoints;
}

/** Objects that a list may have left out. */
export interface Sought {
  readonly kind: Kind;
  readonly namespace: string;
  /** As a query has it: `app=web`. */
  readonly selector: string;
}

export type Doubt = Exclude<Absence, "confirmed">;

export type Planned =
  | {
      /** All that the owner states from now on. */
      readonly facts: readonly Fact[];
      /** The plan lacks something that should be there. So what the owner no longer states may only be missing. */
      readonly doubt?: Doubt;
      /** What should be there and is not. It is asked for, unless the owner has stated facts without doubt before. */
      readonly lacks?: Sought;
      /** What the object asks for beyond a limit and does not get, for people (model/limits.ts). */
      readonly leftOut?: string | undefined;
      /** What of the object makes no sense and has no effect, for people. */
      readonly malformed?: string | undefined;
      /** The security profile for which the pod is closed, for people. */
      readonly refused?: string | undefined;
      /** What the object asks for and another one has, for people. */
      readonly taken?: string | undefined;
      /** What the object asks for in vain because of what it leads to, for people (kube/unserved.ts has all else). */
      readonly unserved?: string | undefined;
    }
  | NotYet
  /** The earlier facts stay. */
  | "as before";

/** A cloud's answer as a plan. */
export const saying = (said: Said, leftOut?: string): Planned =>
  "notNow" in said ? said : { facts: said, leftOut };
