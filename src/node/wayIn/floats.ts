// The floating addresses that lead to pods of this node. Pure. OVN translates them on the node's gateway router; the external
// bridge has to lead packets there, and the kernel leads the node's own processes, which that router cannot.

import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import type { Pod } from "../../kube/objects.ts";
import { type Cidr, contains, formatIp, type Ip, parseIp } from "../../model/ip.ts";

export interface Float {
  readonly outer: Ip;
  /** The pod's own address; undefined until the pod has said it. */
  readonly inner: Ip | undefined;
}

export interface FloatsPlace {
  readonly nodeName: string;
  /** The node's own addresses: whatever a status says, they are the node's. */
  readonly hosts: readonly Ip[];
  /** Where the node's pods are. */
  readonly subnets: readonly Cidr[];
}

/** Of two that have one address the first by name has it. */
export function floatsAt(
  { nodeName, hosts, subnets }: FloatsPlace,
  floatings: Iterable<FloatingAddress>,
  podOf: (namespace: string, name: string) => Pod | undefined,
): readonly Float[] {
  const floats = new Map<string, Float>();
  const own = new Set(hosts.map(formatIp));
  for (const { namespace, given } of [...floatings].toSorted(byName)) {
    if (given.nodeName !== nodeName || given.podName === undefined) continue;
    const pod = podOf(namespace, given.podName);
    const inners = pod?.uid === given.podUid ? (pod?.podIps ?? []) : [];
    for (const outer of given.ips.flatMap((text) => parseIp(text) ?? [])) {
      const key = formatIp(outer);
      if (own.has(key) || floats.has(key)) continue;
      const inner = inners
        .flatMap((text) => parseIp(text) ?? [])
        .find((ip) => ip.family === outer.family && subnets.some((subnet) => contains(subnet, ip)));
      floats.set(key, { outer, inner });
    }
  }
  return [...floats.values()];
}

const byName = (a: FloatingAddress, b: FloatingAddress): number =>
  `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
