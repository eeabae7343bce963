// What is not served in underlay mode (unserved.ts has what is not served in any mode).

import { isLoopback } from "../model/hostPort.ts";
import type { KubeObject } from "./kinds.ts";

/** What `object` asks for in vain in underlay mode. */
export function unservedInUnderlay(object: KubeObject): readonly string[] {
  if (object.kind === "Pod") {
    const isInside = object.hostPorts?.some(({ hostIp }) => hostIp && isLoopback(hostIp));
    return isInside ? ["a host port at a loopback address in underlay mode"] : [];
  }
  if (object.kind === "IPAddressPool" && object.l2)
    return ["l2Advertisement in underlay mode: nobody answers for the pool's addresses"];
  if (object.kind !== "Service") return [];
  const isOuter =
    object.externalIps !== undefined || object.ingressIps !== undefined || object.balancer !== undefined;
  const hasNodePorts = object.ports.some(({ nodePort }) => nodePort !== undefined);
  return [
    ...(isOuter ? ["addresses from outside, for clients beyond the tenant, in underlay mode"] : []),
    ...(object.externalTrafficPolicy === "Local" && hasNodePorts
      ? ["externalTrafficPolicy: Local in underlay mode: its ports lead nowhere"]
      : []),
    ...(object.internalTrafficPolicy === "Local"
      ? ["internalTrafficPolicy: Local for a machine's own processes in underlay mode"]
      : []),
  ];
}
