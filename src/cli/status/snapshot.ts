// What the three sources have answered: the input of judge.ts.

import type { Troubles } from "../../controller/health.ts";
import type { PolicySummary } from "../../controller/policySummary.ts";
import type { Node, ObjectMeta, Pod } from "../../kube/objects.ts";
import type { PolicyKind } from "../../kube/policies.ts";
import type { ClusterMode } from "../../kube/unservedInMode.ts";
import type { NamesReport } from "./names.ts";
import type { Told } from "./told.ts";
import type { Unreached } from "./unreached.ts";

export interface Snapshot {
  readonly cluster: string;
  readonly leaseNamespace: string;
  readonly kubernetes: KubernetesView | Unreachable;
  readonly northbound: NorthboundView | Unreachable;
  readonly southbound: SouthboundView | Unreachable;
}

export interface Unreachable {
  readonly unreachable: string;
}

export interface KubernetesView {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly serviceCount: number;
  readonly policyCount: number;
  /** What is known of domain names in policies; absent when no policy has one. */
  readonly names?: NamesReport | undefined;
  /** Policies with parts that make no sense, each with the first of these. */
  readonly malformed?: readonly MalformedPolicy[];
  /** Everything that asks for something Weft does not serve. */
  readonly unserved: readonly Pick<ObjectMeta, "unserved">[];
  /** What nobody from outside can reach yet. */
  readonly unreached?: readonly Unreached[];
  /** Why pods and nodes have no network yet, as the controller says; absent when all have one. */
  readonly told?: Told | undefined;
  /** "unknown" when the API server refused to tell. */
  readonly leader: Leader | undefined | "unknown";
  /** What the API server refused to tell, each with its reason; that part is empty here. */
  readonly refused: readonly string[];
}

export interface MalformedPolicy {
  readonly kind: PolicyKind;
  /** `shop/odd`, or the name alone where policies have no namespace. */
  readonly policy: string;
  readonly problem: string;
}

/** Who holds the controllers' Lease. */
export interface Leader {
  readonly holder: string;
  /** It has stopped renewing the Lease. */
  readonly silent: boolean;
  /** What the holder says about deletions it holds back, or "". */
  readonly heldDeletions: string;
  /** What it sees that does not work. */
  readonly troubles: Troubles;
  /** Undefined when it says nothing, as one of an earlier release, or there are no policies. */
  readonly policies?: PolicySummary | undefined;
  /** Undefined when it is of an earlier release. */
  readonly mode?: ClusterMode | undefined;
}

export interface NorthboundView {
  /** The clusters that have ever had a controller on this database. */
  readonly clusters: ReadonlySet<string>;
  /** Names of logical switch ports. */
  readonly ports: ReadonlySet<string>;
  /** Those among them that are not this cluster's. */
  readonly foreignPorts: ReadonlySet<string>;
  /** Port ▶ the port that it is nested in; absent when none is. */
  readonly nestedIn?: ReadonlyMap<string, string>;
  /** How many pods are closed for a security profile that they may not have; absent when none. */
  readonly closedPods?: number;
  /** From NB_Global: what was asked for, what the southbound database has, what all nodes have. */
  readonly nbCfg: number;
  readonly sbCfg: number;
  readonly hvCfg: number;
  /** The result of a probe, if one was asked for: see Lag. */
  readonly probe?: Probe;
}

/** How long a new generation took to travel from the northbound database; undefined when it did not arrive in time. */
export interface Probe {
  readonly southboundMs: number | undefined;
  readonly nodesMs: number | undefined;
}

export interface SouthboundView {
  /** Chassis names, which are system-ids, each with the southbound generation that it has reached. */
  readonly chassis: ReadonlyMap<string, number>;
  /** The generation that every chassis should have reached by now. */
  readonly expected: number;
  /** logical port ▶ its binding. */
  readonly bindings: ReadonlyMap<string, Binding>;
}

export interface Binding {
  readonly bound: boolean;
  readonly up: boolean;
  /** The name of the chassis that it is bound to. */
  readonly chassis?: string | undefined;
}
