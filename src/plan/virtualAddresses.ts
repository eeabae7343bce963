// The addresses and ports at which OVN has to answer for a Service: its cluster addresses and, where a node port leads
// to other endpoints than these, an address of the way in (model/wayIn.ts). And its addresses from outside: clients
// inside reach all endpoints there; clients outside reach those of the node that they come to, if the Service asks for
// that.

import type { Service, ServicePort } from "../kube/objects.ts";
import type { Ip } from "../model/ip.ts";
import { innerAddress, reachOf } from "../model/wayIn.ts";

export interface VirtualAddress {
  readonly ip: Ip;
  readonly number: number;
  readonly port: ServicePort;
  /** Each node leads to its own endpoints only. */
  readonly isLocal: boolean;
  /** It stands for the node that the client connected to; then `number` is the node port. */
  readonly isWayIn: boolean;
  /** For what comes from outside the cluster, and for nothing else. */
  readonly isOutside: boolean;
}

export function virtualAddresses(
  service: Service,
  ips: readonly Ip[],
  outer: readonly Ip[],
  ports: readonly ServicePort[],
): readonly VirtualAddress[] {
  const reach = reachOf(service);
  const isLocal = service.internalTrafficPolicy === "Local";
  const inside = ips.flatMap((ip) =>
    ports.flatMap((port): readonly VirtualAddress[] => {
      const cluster = { ip, number: port.port, port, isLocal, isWayIn: false, isOutside: false };
      if (port.nodePort === undefined || reach === "as inside") return [cluster];
      const way = { ip: innerAddress(ip.family, reach), number: port.nodePort, port, isWayIn: true };
      return [cluster, { ...way, isLocal: reach === "this node", isOutside: false }];
    }),
  );
  const from = outer.flatMap((ip) =>
    ports.flatMap((port): readonly VirtualAddress[] => {
      const all = { ip, number: port.port, port, isLocal: false, isWayIn: false, isOutside: false };
      return service.externalTrafficPolicy === "Local"
        ? [all, { ...all, isLocal: true, isOutside: true }]
        : [all];
    }),
  );
  return [...inside, ...from];
}
