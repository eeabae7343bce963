// The addresses and ports at which OVN has to answer for a Service: its cluster addresses and, where a node port leads to
// other endpoints than these, an address of the way in (model/wayIn.ts).

import type { Service, ServicePort } from "../kube/objects.ts";
import type { Ip } from "../model/ip.ts";
import { innerAddress, reachOf } from "../model/wayIn.ts";

export interface VirtualAddress {
  readonly ip: Ip;
  readonly number: number;
  readonly port: ServicePort;
  /** Each node leads to its own endpoints only. */
  readonly isLocal: boolean;
  /** It stands for the node that was asked; then `number` is the node port. */
  readonly isWayIn: boolean;
}

export function virtualAddresses(
  service: Service,
  ips: readonly Ip[],
  ports: readonly ServicePort[],
): readonly VirtualAddress[] {
  const reach = reachOf(service);
  const isLocal = service.internalTrafficPolicy === "Local";
  return ips.flatMap((ip) =>
    ports.flatMap((port): readonly VirtualAddress[] => {
      const inside = { ip, number: port.port, port, isLocal, isWayIn: false };
      if (port.nodePort === undefined || reach === "as inside") return [inside];
      const way = { ip: innerAddress(ip.family, reach), number: port.nodePort, port, isWayIn: true };
      return [inside, { ...way, isLocal: reach === "this node" }];
    }),
  );
}
