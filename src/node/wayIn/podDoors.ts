// Which ports of the node are pods', and where each leads. Pure. Where the node shares its address with a gateway router, a
// balancer of that router leads from outside to the pod (plan/hostPort.ts), and what is here is for the node's own processes
// and its other addresses.

import { nodePortKeys } from "../../kube/nodePorts.ts";
import type { Pod, Service } from "../../kube/objects.ts";
import { type HostPort, hostPortKey, isOpenAt, loopbacks, sharesOf } from "../../model/hostPort.ts";
import { type Cidr, contains, type Ip, parseIp } from "../../model/ip.ts";
import { lowerCase } from "../../model/protocol.ts";
import type { Door } from "./doors.ts";

export interface PodDoorsPlace {
  /** The node's own addresses. */
  readonly hosts: readonly Ip[];
  /** Where the node's pods are: nobody else is led to. */
  readonly subnets: readonly Cidr[];
  readonly hasGateway: boolean;
}

/** `pods` are the node's. */
export function podDoorsOf(
  pods: Iterable<Pod>,
  services: Iterable<Service>,
  place: PodDoorsPlace,
): readonly Door[] {
  const alive = [...pods].filter(
    ({ phase }) => phase === "Pending" || phase === "Running" || phase === "Unknown",
  );
  const nodePorts = new Set([...services].flatMap(nodePortKeys));
  const shares = sharesOf(alive, (protocol, hostPort) => {
    const key = hostPortKey({ protocol, hostPort });
    return nodePorts.has(key) ? key : undefined;
  });
  return alive.flatMap(({ namespace, name, podIps }) => {
    const own = podIps.flatMap((text) => parseIp(text) ?? []);
    const targets = own.filter((ip) => place.subnets.some((subnet) => contains(subnet, ip)));
    const held = shares.get(`${namespace}/${name}`)?.held ?? [];
    return held.flatMap((port) => targets.flatMap((to) => doorsTo(port, to, place)));
  });
}

function doorsTo(port: HostPort, to: Ip, { hosts, hasGateway }: PodDoorsPlace): readonly Door[] {
  const { hostIp } = port;
  const base = {
    ...{ protocol: lowerCase[port.protocol], port: port.hostPort },
    ...{ to, toPort: port.port, isOuter: false },
  };
  const inside: readonly Door[] = loopbacks
    .filter((ip) => ip.family === to.family && isOpenAt(port, ip))
    .map((at) => ({ ...base, at, keepsClient: false, isForOwn: true }));
  const isEverywhere = hostIp === undefined || hostIp.value === 0n;
  const isHere = hosts.some((host) => host.family === to.family && isOpenAt(port, host));
  if (!isHere) return inside;
  const at = isEverywhere ? undefined : hostIp;
  return [{ ...base, at, keepsClient: hasGateway, isForOwn: false }, ...inside];
}
