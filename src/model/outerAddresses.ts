// The addresses of a Service that are not in the cluster's ranges.

import { type Cidr, type Ip, parseIp } from "./ip.ts";
import { serviceLimits } from "./limits.ts";

/** The node that answers for an address on its network, so that nobody needs a route. */
export interface Announcer {
  readonly ip: string;
  readonly node: string;
}

/** What a Service says about addresses from outside; each absent when there is nothing of it. */
export interface OuterAddresses {
  /** `spec.externalIPs`, in canonical form. */
  readonly externalIps?: readonly string[];
  /** Those of them that the controller has granted. */
  readonly grantedIps?: readonly string[];
  /**
   * `status.loadBalancer.ingress` of type LoadBalancer, but not those whose packets never arrive under that address. Empty when
   * there are only such, or host names.
   */
  readonly ingressIps?: readonly string[];
  /** Who announces which of them, as the controller has decided. */
  readonly announcers?: readonly Announcer[];
  /** Services with one key may have one address together (sharing.ts). */
  readonly sharingKey?: string;
  /** Of type LoadBalancer. */
  readonly balancer?: BalancerWish;
}

export interface BalancerWish {
  /** The class of controller that serves it; undefined for the cluster's default. */
  readonly loadBalancerClass: string | undefined;
  /** `spec.loadBalancerIP`, or the annotation for both families. */
  readonly wanted: readonly string[];
  /** Who may send to the balancer's address; empty: everybody. */
  readonly sourceRanges: readonly Cidr[];
}

/** The addresses from outside at which the Service is served. */
export const outerIpsOf = ({
  externalIps = [],
  grantedIps = [],
  ingressIps = [],
}: OuterAddresses): readonly Ip[] =>
  [...new Set([...ingressIps, ...externalIps.filter((ip) => grantedIps.includes(ip))])]
    .slice(0, serviceLimits.outerAddresses)
    .flatMap((address) => parseIp(address) ?? []);

/** Who announces an address that the Service has. */
export const announcersOf = ({ announcers = [], ingressIps = [] }: OuterAddresses): readonly Announcer[] =>
  announcers.filter(({ ip }) => ingressIps.includes(ip));

/** How many it has, beyond the limit too. */
export const outerCount = ({ grantedIps = [], ingressIps = [] }: OuterAddresses): number =>
  grantedIps.length + ingressIps.length;

/** The addresses whose clients `sourceRanges` limit: the balancer's addresses of those families that have ranges. */
export const guardedIpsOf = ({ ingressIps = [], balancer }: OuterAddresses): readonly Ip[] =>
  ingressIps
    .flatMap((address) => parseIp(address) ?? [])
    .filter(({ family }) => balancer?.sourceRanges.some(({ ip }) => ip.family === family));
