// Every name that Weft gives to something in OVN or Open vSwitch, in one place. A name begins with the cluster's id,
// because name indexes span the whole database and several clusters may share one. Kubernetes names never contain
// `_`, so names joined with `_` cannot collide.

import { hash } from "node:crypto";
import type { Near } from "./near.ts";

/** The id of a Weft cluster: a DNS label, at most 20 characters, so that names stay readable. */
export const clusterIdPattern = /^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$/;

export interface Names {
  readonly cluster: string;
  readonly clusterRouter: string;
  readonly joinSwitch: string;
  /** Cluster router ▶ join switch, and the switch's end of that link. */
  readonly routerToJoin: string;
  readonly joinToRouter: string;
  /** The load balancers that every node switch applies. */
  readonly serviceGroup: string;
  /** The load balancers of nodes in one zone, or in none: where endpoints depend on the zone. */
  readonly zoneGroup: (zone: string | undefined) => string;
  /** The load balancers of switches that are not nodes', where endpoints depend on the place. */
  readonly machineGroup: string;
  /** A port of each switch where packets for Services enter. */
  readonly serviceEntries: string;
  /** The addresses of all nodes, of one family. */
  readonly hostSet: (family: number) => string;
  /** Where pods are known by their own addresses, of one family. */
  readonly directSet: (family: number) => string;
  readonly nodeSwitch: (node: string) => string;
  /** Cluster router ▶ node switch, and the switch's end of that link. */
  readonly routerToSwitch: (node: string) => string;
  readonly switchToRouter: (node: string) => string;
  readonly managementPort: (node: string) => string;
  readonly gatewayRouter: (node: string) => string;
  /** Gateway router ▶ join switch, and the switch's end of that link. */
  readonly gatewayToJoin: (node: string) => string;
  readonly joinToGateway: (node: string) => string;
  readonly externalSwitch: (node: string) => string;
  /** Gateway router ▶ external switch, and the switch's end of that link. */
  readonly gatewayToExternal: (node: string) => string;
  readonly externalToGateway: (node: string) => string;
  readonly localnetPort: (node: string) => string;
  readonly podPort: (namespace: string, pod: string) => string;
  /** A ready port of a node's pool, by its place in the node's subnets. */
  readonly poolPort: (node: string, offset: number) => string;
  /** The MACs of a node's ports that no packet may pass. */
  readonly closedSet: (node: string) => string;
  /** The nodes' own ports on their switches, where packets of a node's processes enter. */
  readonly managementPorts: string;
  /** The ports of the pods that a policy's selector has, by the selection's id. */
  readonly subjects: (id: string) => string;
  /** The addresses of one family of the pods that a policy speaks of, by the selection's id. */
  readonly peers: (id: string, family: number) => string;
  /** An empty address set by which a security profile is known to exist, by the id of its members' selection. */
  readonly profile: (id: string) => string;
  /** The address set of nodes that have an address in a block. */
  readonly nodesIn: (id: string, family: number) => string;
  /** The addresses of one family that a domain name has, by the id of its group. */
  readonly named: (id: string, family: number) => string;
  /** The addresses of one family of the pods that mean one port by a name, by the id of that meaning. */
  readonly portHolders: (id: string, family: number) => string;
  /** The meter of the packets of a namespace that are logged. */
  readonly logMeter: (namespace: string) => string;
  /** The meter of the packets that a policy of the whole cluster logs. `kind` in lower case. */
  readonly policyLogMeter: (kind: string, policy: string) => string;
  /** `node`: of the endpoints on that node only. */
  readonly loadBalancer: (namespace: string, service: string, protocol: string, node?: string) => string;
  /** For clients on that node, or in that zone. */
  readonly nearBalancer: (namespace: string, service: string, protocol: string, near: Near) => string;
  /** For what comes from outside the cluster to that node. */
  readonly outerBalancer: (namespace: string, service: string, protocol: string, node: string) => string;
  /** What makes a node's gateway router answer for addresses of a Service. */
  readonly announcement: (namespace: string, service: string, node: string) => string;
  /** The balancer that flushes a second time. */
  readonly lateFlush: string;
  /** The balancers with which the tenant's router answers for addresses from outside. */
  readonly answers: string;
  readonly answer: (namespace: string, service: string) => string;
  /** The translation of a FloatingAddress's address of one family. */
  readonly floating: (namespace: string, name: string, family: number) => string;
  /** In underlay mode: the balancers for floating addresses, of all switches but those outside. */
  readonly floatingGroup: string;
  /** The balancer that leads to a FloatingAddress's pod from inside the cluster. */
  readonly floatingBalancer: (namespace: string, name: string) => string;
  /** The balancer of a pod's ports on its node. */
  readonly hostPorts: (namespace: string, pod: string, protocol: string) => string;
}

export function namesOf(cluster: string): Names {
  const name = (...parts: readonly string[]): string => [cluster, ...parts].join("_");
  // In names of port groups and address sets OVN takes no `-`.
  const plain = (...parts: readonly string[]): string => name(...parts).replaceAll("-", "_");
  return {
    cluster,
    clusterRouter: name("router"),
    joinSwitch: name("join"),
    routerToJoin: name("rtoj", "router"),
    joinToRouter: name("jtor", "router"),
    serviceGroup: name("services"),
    zoneGroup: (zone) => name("zone", ...(zone === undefined ? [] : [zone])),
    machineGroup: name("machines"),
    serviceEntries: plain("services"),
    hostSet: (family) => plain("hosts", `ip${family}`),
    directSet: (family) => plain("direct", `ip${family}`),
    nodeSwitch: (node) => name("switch", node),
    routerToSwitch: (node) => name("rtos", node),
    switchToRouter: (node) => name("stor", node),
    managementPort: (node) => name("mgmt", node),
    gatewayRouter: (node) => name("gateway", node),
    gatewayToJoin: (node) => name("gtoj", node),
    joinToGateway: (node) => name("jtog", node),
    externalSwitch: (node) => name("external", node),
    gatewayToExternal: (node) => name("gtoe", node),
    externalToGateway: (node) => name("etog", node),
    localnetPort: (node) => name("localnet", node),
    podPort: (namespace, pod) => name("pod", namespace, pod),
    poolPort: (node, offset) => name("pool", node, String(offset)),
    closedSet: (node) => plain("closed", hash("sha256", node, "hex").slice(0, 16)),
    managementPorts: plain("mgmt"),
    subjects: (id) => plain("subjects", id),
    peers: (id, family) => plain("peers", id, `ip${family}`),
    profile: (id) => plain("profile", id),
    nodesIn: (id, family) => plain("nodes", id, `ip${family}`),
    named: (id, family) => plain("named", id, `ip${family}`),
    portHolders: (id, family) => plain("port", id, `ip${family}`),
    logMeter: (namespace) => name("log", namespace),
    policyLogMeter: (kind, policy) => name("log", kind, policy),
    loadBalancer: (namespace, service, protocol, node) =>
      name("svc", namespace, service, protocol, ...(node === undefined ? [] : [node])),
    // A zone may contain `_`, so it comes last.
    nearBalancer: (namespace, service, protocol, near) =>
      name("near", namespace, service, protocol, near.kind, near.name),
    outerBalancer: (namespace, service, protocol, node) => name("outer", namespace, service, protocol, node),
    announcement: (namespace, service, node) => name("announce", namespace, service, node),
    lateFlush: name("flush"),
    answers: name("answers"),
    answer: (namespace, service) => name("answer", namespace, service),
    floating: (namespace, floating, family) => name("floating", namespace, floating, `ip${family}`),
    floatingGroup: name("floating"),
    floatingBalancer: (namespace, floating) => name("floating", namespace, floating),
    hostPorts: (namespace, pod, protocol) => name("hostport", namespace, pod, protocol),
  };
}

/** How the names of ACLs begin that enforce a policy, by its kind. */
export const policyMarks = {
  NetworkPolicy: "NP",
  ClusterNetworkPolicy: "CNP",
  AdminNetworkPolicy: "ANP",
  BaselineAdminNetworkPolicy: "BANP",
  SecurityProfile: "SP",
} as const;

/** Keys of `external_ids` in OVN that mark a row as Weft's. */
export const ownership = { cluster: "weft.io/cluster", owner: "weft.io/owner" } as const;

/**
 * A key of `external_ids` in the row of a node's management port: the node's own addresses, which it stands for, with
 * commas between them. Those by which Kubernetes knows the node come first.
 */
export const hostAddressesKey = "weft.io/host-addresses";

/** A key of `external_ids` there: the node has that label. */
export const controlPlaneKey = "weft.io/control-plane";

/** By which an administrator says that the node is one of the control plane. NodeRestriction lets no kubelet set it. */
export const controlPlaneLabel = "node-role.kubernetes.io/control-plane";

/** A key of `external_ids` in the row of the router's port to a node's switch: the node's zone. */
export const zoneKey = "weft.io/zone";

/** The label of a Node that must get no traffic from outside the cluster (KEP-1143). */
export const noOutsideLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

/** The label of a Node that says in which zone it is. */
export const zoneLabel = "topology.kubernetes.io/zone";

/** The option of a chassis (ovn-controller(8), ovn-cms-options) by which an agent marks it as one of its cluster. */
export const chassisMark = (cluster: string): string => `${chassisMarkKey}${cluster}`;
export const chassisMarkKey = "weft-cluster=";

/** The Lease by which the controllers of a cluster choose a leader. */
export const controllersLease = (cluster: string): string => `weft-${cluster}`;

/** Annotations on Kubernetes objects; ovn-kubernetes' keys and formats where it has one. */
export const annotations = {
  podNetworks: "k8s.ovn.org/pod-networks",
  nodeSubnets: "k8s.ovn.org/node-subnets",
  nodeId: "k8s.ovn.org/node-id",
  nodeChassisId: "k8s.ovn.org/node-chassis-id",
  gatewayConfig: "k8s.ovn.org/l3-gateway-config",
  /** On a Node, written by the controller: the chassis id that the node states and another node has. */
  refusedChassis: "weft.io/refused-chassis-id",
  hostCidrs: "k8s.ovn.org/host-cidrs",
  /** On a Node. The controller writes which ready ports the node's agent may claim, and the agent its answer. */
  pool: "weft.io/pool",
  poolSeen: "weft.io/pool-seen",
  /** On the controllers' Lease, written by the leader: which deletions it holds back, and why. */
  heldDeletions: "weft.io/held-deletions",
  /** There too: what the leader sees that does not work, as JSON. */
  troubles: "weft.io/troubles",
  /** There too: how many policies are in force, and what others wait for, as JSON. */
  policies: "weft.io/policies",
  /** There too: the mode, and in overlay mode the ranges of Services. */
  mode: "weft.io/mode",
  /** There too: what the leader knows of the API server, as long as it has no doubt of it. */
  apiServer: "weft.io/api-server",
  /** On the mirror of a static pod, both written by the kubelet: the hash that is the static pod's own UID. */
  mirrorOf: "kubernetes.io/config.mirror",
  configHash: "kubernetes.io/config.hash",
  /** On a Service of type LoadBalancer: the addresses that it asks for, one of each family, with a comma between. */
  loadBalancerIps: "weft.io/loadBalancerIPs",
  /**
   * On a Namespace, with which severity the packets are logged that its policies drop and allow; on a policy of the whole
   * cluster, those that it drops, allows and passes on.
   */
  aclLogging: "k8s.ovn.org/acl-logging",
  /** On a Pod: the security profiles that it asks for, with commas between. */
  securityProfiles: "weft.io/security-profiles",
  /** On a Service of type LoadBalancer or a Pod: the name of the IPAddressPool that it asks for. */
  addressPool: "weft.io/address-pool",
  /** There too: a key; with others of its namespace that have the same one it may share its addresses. */
  allowSharedIp: "weft.io/allow-shared-ip",
  /** On a Pod: `any`, or the addresses from outside that it asks for, one of each family, with a comma between. */
  floatingAddress: "weft.io/floating-address",
} as const;

/** The names of things in a node's own Open vSwitch. */
export const onNode = {
  integrationBridge: "br-int",
  externalBridge: "br-ex",
  physicalNetwork: "physnet",
  managementInterface: "weft0",
} as const;

/** Whether the balancer `name` is a Service's that all nodes have; the others belong to one node. */
export function isForAllNodes(name: string): boolean {
  const [, what, , , , ...more] = name.split("_");
  return what === "svc" && more.length === 0;
}

/** The node and the place of the pool port `port`; undefined when it is not a pool port of this cluster. */
export function placeOfPort(
  cluster: string,
  port: string,
): { readonly node: string; readonly offset: number } | undefined {
  const [owner, what, node, offset = "", ...more] = port.split("_");
  if (owner !== cluster || what !== "pool" || more.length > 0) return undefined;
  return node && /^[1-9]\d{0,7}$/.test(offset) ? { node, offset: Number(offset) } : undefined;
}

/** The pod of the port `port`, as `shop/web-1`; undefined when it is not a pod's port of this cluster. */
export function podOfPort(cluster: string, port: string): string | undefined {
  const [owner, what, namespace, pod, ...more] = port.split("_");
  if (owner !== cluster || what !== "pod" || more.length > 0) return undefined;
  return namespace && pod ? `${namespace}/${pod}` : undefined;
}
