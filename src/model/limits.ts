// How much one object may ask of OVN. Without limits, anyone who may write a Service or a Node could fill every node's
// memory and make the controller lose its Lease, because ports and endpoints multiply. What is beyond a limit is left
// out, and an Event on the object says so. docs/decisions/0024-limits.md has the reasons and the measurements.

export const serviceLimits = {
  /** Ports of one Service, and of one EndpointSlice. */
  ports: 1_000,
  /** Addresses of one Service from outside the cluster. */
  outerAddresses: 16,
  /** EndpointSlices of one Service, for each family. */
  slices: 100,
  /** Backends of one Service. An endpoint is a backend of every virtual address (address and port) that leads to it. */
  backends: 5_000,
  /** Backends of one virtual address: what fits into one OpenFlow message about its group, of 64 KiB. */
  backendsOfAddress: 600,
  /** Time-out of session affinity: OVN keeps it in 16 bits (18 hours); Kubernetes allows a day. */
  affinitySeconds: 65_535,
} as const;

/** Ports of its node that one pod may have. */
export const hostPortLimit = 500;

/** Own addresses of one node, for each family. */
export const hostAddressLimit = 16;

/** Pods that a node is believed to run, whatever its kubelet says. */
export const nodePodLimit = 5_000;

/** Of a NetworkPolicy. What is beyond is closed. */
export const networkPolicyLimits = {
  /** Blocks of addresses in one rule, after its exceptions have been taken out. Each is a flow on every chassis with a selected pod. */
  blocks: 10_000,
} as const;

/** Of a SecurityProfile. What is beyond is no member, or closed. */
export const profileLimits = {
  /** Addresses and networks of machines. */
  addresses: 1_000,
  /** Logical switch ports of machines. */
  ports: 1_000,
} as const;

/** Of policies of a whole cluster. What is beyond is closed. */
export const clusterPolicyLimits = {
  /** Rules of one direction. AdminNetworkPolicy may have as many, ClusterNetworkPolicy 25. */
  rules: 100,
  /** Peers, networks and ports of one rule, each. */
  entries: 100,
  /** Parts that a rule falls into because of the Pass rules before it. */
  parts: 100,
  /** Blocks of addresses in one rule, after nodes and networks have been taken out that are passed on before it. */
  blocks: 2_000,
} as const;
