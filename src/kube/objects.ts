// The Kubernetes objects that Weft reads, cut down to the fields it reads. They are projected once when they arrive
// (project.ts), frozen, and share interned strings; everything behind kube/ trusts these shapes.

import type { HostPort } from "../model/hostPort.ts";
import type { OuterAddresses } from "../model/outerAddresses.ts";
import type { TrafficPolicies } from "../model/wayIn.ts";

export interface ObjectMeta {
  readonly namespace: string; // "" for cluster-scoped objects
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only the annotations Weft reads (see names.ts `annotations`). */
  readonly annotations: Readonly<Record<string, string>>;
  readonly deletionTimestamp: string | undefined;
  /** What the object asks for and Weft does not serve; absent for kinds that have nothing of the sort. */
  readonly unserved?: readonly string[];
}

export interface Node extends ObjectMeta {
  readonly kind: "Node";
  /** InternalIP addresses in the order the kubelet reports them. */
  readonly internalIps: readonly string[];
  readonly networkUnavailable: boolean;
  /** Why, or why not, as the condition NetworkUnavailable says; absent while nobody has set it. */
  readonly networkCondition?: ConditionText;
  /** What its pods or Services miss, as the condition NetworkDegraded says; absent when nothing. */
  readonly networkDegraded?: ConditionText;
  readonly allocatable: Allocatable;
}

/** The type of a Node's condition. */
export const degradedCondition = "NetworkDegraded";

/** What a condition says about its status. */
export interface ConditionText {
  /** CamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
}

/** A node's resources for pods; 0 until the kubelet has reported. */
export interface Allocatable {
  readonly pods: number;
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface Namespace extends ObjectMeta {
  readonly kind: "Namespace";
}

export interface Pod extends ObjectMeta {
  readonly kind: "Pod";
  /** "" until the pod is scheduled. */
  readonly nodeName: string;
  readonly hostNetwork: boolean;
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly podIps: readonly string[];
  /** Its containers' ports that have a name, which NetworkPolicies may use instead of a number; absent without any. */
  readonly namedPorts?: readonly ServicePort[];
  /** What it asks for of its node's ports; absent without any, and in the host's network. */
  readonly hostPorts?: readonly HostPort[];
  /** The security profiles that it asks for; absent without any, and in the host's network. */
  readonly profiles?: ProfileClaims;
}

/** The security profiles that a pod asks for (profileClaims.ts). */
export interface ProfileClaims {
  /** Each once, in the order of the alphabet. */
  readonly names: readonly string[];
  /** What in the annotation makes no sense, for people; undefined when nothing does. */
  readonly problem: string | undefined;
}

export interface ServicePort {
  readonly name: string; // "" when the Service has one unnamed port
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly port: number;
  /** On every node's own addresses; absent when there is none. */
  readonly nodePort?: number;
}

export interface Service extends ObjectMeta, TrafficPolicies, OuterAddresses {
  readonly kind: "Service";
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /** Empty for headless (`None`) and ExternalName Services. */
  readonly clusterIps: readonly string[];
  /** Kubernetes makes its EndpointSlices; otherwise a person does. */
  readonly hasSelector: boolean;
  readonly ports: readonly ServicePort[];
  /** Seconds of ClientIP affinity, or 0. */
  readonly affinitySeconds: number;
  readonly publishNotReadyAddresses: boolean;
  /** Where each node tells an outside balancer whether it has endpoints; absent when nobody asks. */
  readonly healthCheckNodePort?: number;
}

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string; // "" when unknown
  /** The zones and nodes whose clients it is meant for; absent where the API says nothing of that. */
  readonly hints?: EndpointHints;
}

/** Each empty when there is no hint of that sort (KEP-2433, KEP-3015). */
export interface EndpointHints {
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export interface EndpointPort {
  readonly name: string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Undefined means all ports, which only hand-made slices use. Such a port balances nothing. */
  readonly port: number | undefined;
}

export interface EndpointSlice extends ObjectMeta {
  readonly kind: "EndpointSlice";
  /** From the label kubernetes.io/service-name; "" when the slice belongs to no Service. */
  readonly serviceName: string;
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  /** In the order of their first addresses, as texts, and of their nodes. */
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly EndpointPort[];
  /** Addresses that no endpoint can have, which are left out of `endpoints`; absent when there are none. */
  readonly special?: readonly string[];
}

export interface LabelRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values: readonly string[];
}

/**
 * All requirements must hold; an empty selector selects everything. `matchLabels` become requirements like the
 * others.
 */
export type LabelSelector = readonly LabelRequirement[];
