// Addresses with a meaning of their own, which no other machine can have (RFC 6890). Open vSwitch refuses to translate to some of
// them, and then ovn-controller gets no flow at all into the switch, on every node: so none may reach OVN.

import { type Cidr, contains, type Ip, parseCidr } from "./ip.ts";

/** IPv4: this network, loopback, multicast and above. IPv6: unspecified, loopback, link-local, multicast. */
export const specialRanges: readonly Cidr[] = [
  ...["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"],
  ...["::/127", "fe80::/10", "ff00::/8"],
].flatMap((text) => parseCidr(text) ?? []);

/** IPv4's link-local range. Weft uses some of it between a node and OVN. */
export const linkLocal4: readonly Cidr[] = ["169.254.0.0/16"].flatMap((text) => parseCidr(text) ?? []);

/** Whether the address can be that of another machine. kube-apiserver allows no others as endpoints (ValidateNonSpecialIP). */
export const isOrdinary = (ip: Ip): boolean =>
  ![...specialRanges, ...linkLocal4].some((range) => contains(range, ip));

/**
 * Where clouds tell a machine about itself, its secrets among it: addresses that are neither special nor the cluster's. The
 * usual one is link-local. (Alibaba, Oracle, Azure's host, and by IPv6 AWS,
 * Google and Oracle.)
 */
export const metadataRanges: readonly Cidr[] = [
  ...[
    "100.100.100.200/32",
    "192.0.0.192/32",
    "168.63.129.16/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "fd00:c1::a9fe:a9fe/128",
  ],
].flatMap((text) => parseCidr(text) ?? []);
