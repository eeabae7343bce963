// The part of a pod's plan that is about ports of its node: whose they are, and what leads there.

import { wantsAddress } from "../decide/places.ts";
import { nodePortKeys } from "../kube/nodePorts.ts";
import type { Pod, Service } from "../kube/objects.ts";
import type { Change, Store } from "../kube/store.ts";
import { type HostPort, hostPortKey, isOpenAt, loopbacks, type Share, sharesOf } from "../model/hostPort.ts";
import { formatIp } from "../model/ip.ts";
import { hostPortLimit } from "../model/limits.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PodPlace } from "../model/places.ts";
import { sidesOf } from "../observe/concerns.ts";
import type { PlanContext, Planned } from "./kind.ts";

export type HostPortReads = "Pod" | "Service";

/** Of a pod without host ports, nothing. The owner must follow the pod's node. */
export function plannedHostPorts(
  owner: Owner,
  pod: Pod,
  place: PodPlace,
  node: ResolvedNode,
  { cloud, stores, hosts }: PlanContext<HostPortReads>,
): Extract<Planned, { readonly facts: unknown }> {
  const { hostPorts } = pod;
  if (!hostPorts) return { facts: [] };
  const { held, lost } = shareOf(pod, stores);
  const leftOut =
    hostPorts.length > hostPortLimit
      ? `left out are host ports beyond the first ${hostPortLimit} (it has ${hostPorts.length})`
      : undefined;
  return {
    facts: cloud.hostPortFacts(owner, pod, held, place.network.addresses, hosts),
    ...{ leftOut, malformed: malformedText(held, node), taken: takenText(lost) },
  };
}

/** The pods that a change of one gives a port of their node, or takes one from. */
export const otherSeekers = (change: Change<Pod>, pods: Store<Pod>): readonly Pod[] =>
  sidesOf(change).flatMap((pod) => neighbours(pod, pods));

/** The pods that ask for a node port of the Service. */
export const seekersOf = (change: Change<Service>, pods: Store<Pod>): readonly Pod[] =>
  sidesOf(change).flatMap((service) => nodePortKeys(service).flatMap((key) => pods.by("hostPort", key)));

function shareOf(pod: Pod, { Pod: pods, Service: services }: PlanContext<HostPortReads>["stores"]): Share {
  const shares = sharesOf([pod, ...neighbours(pod, pods)], (protocol, hostPort) => {
    const [holder] = services.by("nodePort", hostPortKey({ protocol, hostPort }));
    return holder && `Service ${holder.namespace}/${holder.name}, whose node port it is`;
  });
  return shares.get(`${pod.namespace}/${pod.name}`) ?? { held: [], lost: [] };
}

/** Other pods of the node that ask for one of the pod's numbers. */
function neighbours(pod: Pod, pods: Store<Pod>): readonly Pod[] {
  const found = (pod.hostPorts ?? []).flatMap((port) => pods.by("hostPort", hostPortKey(port)));
  return [...new Set(found)].filter(
    (other) => other.nodeName === pod.nodeName && other.uid !== pod.uid && wantsAddress(other),
  );
}

/** At any other address a pod could take traffic meant for others. */
function malformedText(
  ports: readonly HostPort[],
  { name, hostAddresses }: ResolvedNode,
): string | undefined {
  const open = [...hostAddresses, ...loopbacks];
  const stray = ports.find((port) => port.hostIp && !open.some((ip) => isOpenAt(port, ip)));
  if (!stray?.hostIp) return undefined;
  const known = hostAddresses.map(formatIp).join(", ");
  return `host port ${stray.hostPort} is open nowhere: ${formatIp(stray.hostIp)} is neither 127.0.0.1 nor an address of node ${name}, which has ${known}`;
}

function takenText(lost: Share["lost"]): string | undefined {
  const [first] = lost;
  if (!first) return undefined;
  const more = lost.length > 1 ? `, and ${lost.length - 1} more of its host ports are others'` : "";
  return `host port ${first.port.hostPort} (${first.port.protocol}) of this node leads to ${first.to}, and not to this pod${more}; choose another number`;
}
