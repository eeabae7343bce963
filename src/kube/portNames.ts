// The names of ports in a policy. What the policy allows depends on which pods have ports with these names.

import type { AnyPolicy } from "./clusterPolicy.ts";

/** Each once. */
export function portNamesOf(policy: AnyPolicy): readonly string[] {
  const names = new Set<string>();
  if (policy.kind === "NetworkPolicy")
    for (const { ports = [] } of [...(policy.ingress ?? []), ...(policy.egress ?? [])])
      for (const { port } of ports) {
        if (typeof port === "string") names.add(port);
      }
  else
    for (const { ports = [] } of [...policy.ingress, ...policy.egress])
      for (const port of ports) if ("name" in port) names.add(port.name);
  return [...names];
}
