// Which pod's port an interface is for, and with which addresses: `options:iface-id-ver` of the port and
// `external_ids:iface-id-ver` of the interface. ovn-controller binds a port only where the two are equal (ovn-nb(5)).
// The controller makes one from what it decided, the agent the other from the pod's annotation, which anyone who may
// patch the pod can write. So an interface with other addresses than the decided ones never gets a flow.

import { hash } from "node:crypto";
import { formatCidr, formatIp } from "./ip.ts";
import type { PodNetwork } from "./network.ts";

/** `uid` stays the same for as long as the pod runs. */
export function portVersionOf(uid: string, { addresses, mac, gateways }: PodNetwork): string {
  const network = [mac, addresses.map(formatCidr), gateways.map(formatIp)].join(" ");
  return `${uid}/${hash("sha256", network, "hex").slice(0, 32)}`;
}

/** The `uid` in a port's version; undefined when there is none. */
export function uidIn(version: string | undefined): string | undefined {
  const slash = version?.indexOf("/") ?? -1;
  return slash < 0 ? version : version?.slice(0, slash);
}
