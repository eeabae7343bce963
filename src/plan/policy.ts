// Priorities of the cluster router's policies, in one place because only their order gives them meaning. The numbers
// follow ovn-kubernetes where it has the same policy, and leave room for what comes later.

export const policyPriority = {
  /** Drops what is still addressed to a Service. */
  services: 1005,
  /** Sends a pod's packets for its own node's addresses to the management port. */
  ownNode: 1004,
} as const;
