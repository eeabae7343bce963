// Where a pod is on one network: the port it has there and what that port answers to. A pod has a place on each network
// it is attached to; today that is one.

import { type Ip, sameIp } from "./ip.ts";
import type { PodNetwork } from "./network.ts";

export interface Place {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** As in the pod's `k8s.ovn.org/pod-networks` annotation. */
  readonly network: string;
  /** The name of the logical switch port. */
  readonly port: string;
  readonly mac: string;
  readonly addresses: readonly Ip[];
}

/** The network that every pod is on. */
export const defaultNetwork = "default";

/** The place of a pod that has `port` and is configured as `configured` on `network`. */
export const placeOf = (
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
  network: string,
  port: string,
  configured: PodNetwork,
): Place => ({
  namespace: pod.namespace,
  pod: pod.name,
  uid: pod.uid,
  network,
  port,
  mac: configured.mac,
  addresses: configured.addresses.map(({ ip }) => ip),
});

export const samePlace = (a: Place, b: Place): boolean =>
  a === b ||
  (a.namespace === b.namespace &&
    a.pod === b.pod &&
    a.uid === b.uid &&
    a.network === b.network &&
    a.port === b.port &&
    a.mac === b.mac &&
    a.addresses.length === b.addresses.length &&
    a.addresses.every((ip, index) => sameIp(ip, b.addresses[index])));
