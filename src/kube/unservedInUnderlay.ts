// What is not served in underlay mode (unserved.ts has what is not served in any mode).

import { isLoopback } from "../model/hostPort.ts";
import type { KubeObject } from "./kinds.ts";

/** What `object` asks for in vain in underlay mode. */
export function unservedInUnderlay(object: KubeObject): readonly string[] {
  if (object.kind === "Pod") {
    const isInside = object.hostPorts?.some(({ hostIp }) => hostIp && isLoopback(hostIp));
    return isInside ? ["a host port at a loopback address in underlay mode"] : [];
  }
  if (object.kind === "IPAddressPool" && object.l2 && object.l2.nodeSelectors.length > 0)
    return ["nodeSelectors of l2Advertisement in underlay mode: the tenant's router answers"];
  if (object.kind !== "Service") return [];
  const hasNodePorts = object.ports.some(({ nodePort }) => nodePort !== undefined);
  return [
    ...(object.externalTrafficPolicy === "Local" && hasNodePorts
      ? ["externalTrafficPolicy: Local in underlay mode: its ports lead nowhere"]
      : []),
    ...(object.internalTrafficPolicy === "Local"
      ? ["internalTrafficPolicy: Local for a machine's own processes in underlay mode"]
      : []),
  ];
}
