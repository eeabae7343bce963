// A kind of owner: everything the controller knows about nodes, pods or Services it knows from one of these. Stores, queue,
// planner, dry run, metrics and the copy of the database are loops over their list (kinds.ts).

import type { Cloud, NotYet, Said } from "../cloud/cloud.ts";
import type { Places } from "../decide/places.ts";
import type { Kind } from "../kube/kinds.ts";
import type { Stores } from "../kube/stores.ts";
import type { Fact } from "../model/fact.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner, OwnerName } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { AnyConcerns, Concerns } from "../observe/concerns.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { NodeIndex } from "../plan/nodeIndex.ts";

/** `K`: the kinds of objects that its plan reads. */
export interface OwnerKind<K extends Kind = Kind> extends Concerns<K> {
  /** The first word of its owners. */
  readonly name: string;
  /** The kind of the objects that its owners speak for, each by the object's name; undefined when there is none. */
  readonly of: K | undefined;
  /** Owners that are there without any object. */
  readonly always?: readonly Owner[];
  /** The northbound tables that its plan writes. */
  readonly tables: readonly (keyof NorthboundTables)[];
  /** What the owner says, from objects and decisions alone. Asked as often as any of it may have changed. */
  plan(owner: Owner, name: OwnerName, context: PlanContext<K>): Planned;
}

/** Any of them, to those who hand all stores to all of them. */
export type AnyOwnerKind = AnyConcerns & Omit<OwnerKind, "reads">;

export interface PlanContext<K extends Kind> {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  readonly cloud: Cloud;
  readonly stores: Pick<Stores, K>;
  readonly places: Places;
  /** All nodes, ready to be asked for an address. */
  readonly nodes: () => NodeIndex;
}

export type Planned =
  | {
      /** All that the owner says from now on. */
      readonly facts: readonly Fact[];
      /**
       * Whether what it no longer says goes by somebody's word. By default: the owner's object is there, or the API server said
       * that it is gone. What is merely missing is the prune guard's business.
       */
      readonly byWord?: boolean;
    }
  | NotYet
  /** It goes on saying what it says. */
  | "as before";

/** The answer of a cloud as a plan. */
export const saying = (said: Said): Planned => ("notNow" in said ? said : { facts: said });
