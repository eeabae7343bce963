// Priorities of the cluster router's policies and of the switches' ACLs, in one place because only their order gives them
// meaning. The numbers follow ovn-kubernetes where it has the same policy, and leave room for what comes later.

export const policyPriority = {
  /** Drops what is still addressed to a Service. */
  services: 1005,
  /** Sends a pod's packets for its own node's addresses to the management port. */
  ownNode: 1004,
} as const;

export const aclPriority = {
  /** Drops what no balancer has taken of what is addressed to a Service. */
  services: 1000,
  /** Lets neighbour discovery of a closed port pass. */
  neighbours: 32_001,
  /** Keeps back all packets of a closed port: above whatever a policy could allow. */
  closed: 32_000,
} as const;
