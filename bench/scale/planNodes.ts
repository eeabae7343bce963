// Nodes with a gateway, for benches that plan without a database.

import { type Cidr, parseCidr } from "../../src/model/ip.ts";
import { managementOf, type ResolvedNode } from "../../src/model/network.ts";

export function nodeAt(index: number): ResolvedNode {
  const host = hostOf(index);
  return {
    name: `n${index}`,
    id: index,
    subnets: [cidr(`10.${index >> 8}.${index & 255}.0/24`)],
    chassisId: `chassis-${index}`,
    gateway: { mac: "02:00:00:00:00:01", addresses: [{ ip: host, bits: 16 }], nextHops: [], mtuBytes: 1500 },
    hostAddresses: [host],
  };
}

export const hostOf = (index: number) => managementOf(cidr(`172.${16 + (index >> 8)}.${index & 255}.0/24`));

export function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (!found) throw new Error(`${text} is no network`);
  return found;
}
