// The kinds Weft watches. Adding one is a file with its slim type and its projection, and an entry here.

import { hostPortKey } from "../model/hostPort.ts";
import { type AddressPool, addressPoolOf } from "./addressPool.ts";
import { adminNetworkPolicyOf, baselineAdminNetworkPolicyOf } from "./adminNetworkPolicy.ts";
import { clusterNetworkPolicyOf } from "./clusterNetworkPolicy.ts";
import type { ClusterPolicy } from "./clusterPolicy.ts";
import { type FloatingAddress, floatingAddressOf } from "./floatingAddress.ts";
import { type LearnedName, learnedNameOf } from "./learnedName.ts";
import { type NetworkPolicy, networkPolicyOf } from "./networkPolicy.ts";
import { nodePortKeys } from "./nodePorts.ts";
import type { EndpointSlice, Namespace, Node, ObjectMeta, Pod, Service } from "./objects.ts";
import { portNamesOf } from "./portNames.ts";
import { endpointSliceOf, namespaceOf, nodeOf, type Projection, podOf, serviceOf } from "./project.ts";
import type { Resource } from "./resource.ts";
import { type SecurityProfile, securityProfileOf } from "./securityProfile.ts";
import { type ServiceCidr, serviceCidrOf } from "./serviceCidr.ts";

/** Name of an index ▶ the keys under which an object is found. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** A resource that can be watched: where it is, what to keep of each object, and how to find objects again. */
export interface Watchable<T extends ObjectMeta> extends Resource {
  readonly project: Projection<T>;
  readonly indexes: Indexes<T>;
  /** API servers may lack it: then there are no objects, and it is looked for again. */
  readonly optional?: true;
}

/** What a Service has of addresses from outside. */
const outerParts = ["balancer", "ingressIps", "announcers"] as const;

const watchable = <T extends ObjectMeta>(kind: Watchable<T>): Watchable<T> => kind;

const table = {
  Node: watchable<Node>({
    prefix: "/api/v1",
    plural: "nodes",
    namespaced: false,
    project: nodeOf,
    indexes: {},
  }),
  Namespace: watchable<Namespace>({
    prefix: "/api/v1",
    plural: "namespaces",
    namespaced: false,
    project: namespaceOf,
    indexes: {},
  }),
  Pod: watchable<Pod>({
    prefix: "/api/v1",
    plural: "pods",
    namespaced: true,
    project: podOf,
    indexes: {
      node: (pod) => (pod.nodeName === "" ? [] : [pod.nodeName]),
      /** `TCP 8080` */
      hostPort: ({ hostPorts = [] }) => [...new Set(hostPorts.map(hostPortKey))],
      /** The profiles that it asks for. */
      profile: ({ profiles }) => profiles?.names ?? [],
    },
  }),
  Service: watchable<Service>({
    prefix: "/api/v1",
    plural: "services",
    namespaced: true,
    project: serviceOf,
    indexes: {
      /** `TCP 30080` */
      nodePort: nodePortKeys,
      externalIp: ({ externalIps = [] }) => externalIps,
      ingressIp: ({ ingressIps = [] }) => ingressIps,
      /** `balancer`, `ingressIps`, `announcers`: those that it has. */
      outer: (service) => outerParts.filter((part) => service[part] !== undefined),
      /** `shop/key` */
      sharing: ({ namespace, sharingKey }) =>
        sharingKey === undefined ? [] : [`${namespace}/${sharingKey}`],
    },
  }),
  EndpointSlice: watchable<EndpointSlice>({
    prefix: "/apis/discovery.k8s.io/v1",
    plural: "endpointslices",
    namespaced: true,
    project: endpointSliceOf,
    indexes: {
      /** `shop/web` */
      service: (slice) => (slice.serviceName === "" ? [] : [`${slice.namespace}/${slice.serviceName}`]),
    },
  }),
  NetworkPolicy: watchable<NetworkPolicy>({
    prefix: "/apis/networking.k8s.io/v1",
    plural: "networkpolicies",
    namespaced: true,
    project: networkPolicyOf,
    indexes: { namespace: (policy) => [policy.namespace], portName: portNamesOf },
  }),
  ServiceCIDR: watchable<ServiceCidr>({
    prefix: "/apis/networking.k8s.io/v1",
    plural: "servicecidrs",
    namespaced: false,
    project: serviceCidrOf,
    indexes: {},
    optional: true,
  }),
  IPAddressPool: watchable<AddressPool>({
    prefix: "/apis/weft.io/v1alpha1",
    plural: "ipaddresspools",
    namespaced: false,
    project: addressPoolOf,
    indexes: {},
    optional: true,
  }),
  FloatingAddress: watchable<FloatingAddress>({
    prefix: "/apis/weft.io/v1alpha1",
    plural: "floatingaddresses",
    namespaced: true,
    project: floatingAddressOf,
    indexes: {
      /** `shop/web-0` */
      pod: ({ namespace, podName }) => (podName === undefined ? [] : [`${namespace}/${podName}`]),
      /** The namespace of one that selects its pod by labels. */
      selecting: ({ namespace, podSelector }) => (podSelector ? [namespace] : []),
      givenIp: ({ given }) => given.ips,
    },
    optional: true,
  }),
  ClusterNetworkPolicy: watchable<ClusterPolicy<"ClusterNetworkPolicy">>({
    prefix: "/apis/policy.networking.k8s.io/v1alpha2",
    plural: "clusternetworkpolicies",
    namespaced: false,
    project: clusterNetworkPolicyOf,
    indexes: { portName: portNamesOf },
    optional: true,
  }),
  AdminNetworkPolicy: watchable<ClusterPolicy<"AdminNetworkPolicy">>({
    prefix: "/apis/policy.networking.k8s.io/v1alpha1",
    plural: "adminnetworkpolicies",
    namespaced: false,
    project: adminNetworkPolicyOf,
    indexes: { portName: portNamesOf },
    optional: true,
  }),
  BaselineAdminNetworkPolicy: watchable<ClusterPolicy<"BaselineAdminNetworkPolicy">>({
    prefix: "/apis/policy.networking.k8s.io/v1alpha1",
    plural: "baselineadminnetworkpolicies",
    namespaced: false,
    project: baselineAdminNetworkPolicyOf,
    indexes: { portName: portNamesOf },
    optional: true,
  }),
  SecurityProfile: watchable<SecurityProfile>({
    prefix: "/apis/weft.io/v1alpha1",
    plural: "securityprofiles",
    namespaced: false,
    project: securityProfileOf,
    indexes: {
      portName: portNamesOf,
      assignment: ({ assignment }) => [assignment],
      /** The profiles that its rules name. */
      named: ({ named }) => named,
      /** The names of machines' ports. */
      machine: ({ ports }) => ports,
    },
    optional: true,
  }),
  LearnedName: watchable<LearnedName>({
    prefix: "/apis/weft.io/v1alpha1",
    plural: "learnednames",
    namespaced: false,
    project: learnedNameOf,
    indexes: { pattern: ({ pattern }) => [pattern] },
    optional: true,
  }),
};

export type Kind = keyof typeof table;
export type KindMap = { readonly [K in Kind]: (typeof table)[K] extends Watchable<infer T> ? T : never };
export type KubeObject = KindMap[Kind];
/** Enough of an object to write to it: the slim object itself, or what is left of it. */
export type ObjectRef = Pick<KubeObject, "kind" | "namespace" | "name" | "uid">;

export const kinds: { readonly [K in Kind]: Watchable<KindMap[K]> } = table;
