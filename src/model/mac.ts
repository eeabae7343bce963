// MAC addresses computed from IP addresses, as ovn-kubernetes computes them: nothing has to be stored, and a pod's
// MAC is known as soon as its address is. 0a:58 is locally administered and unicast.

import { createHash } from "node:crypto";
import { formatIp, type InterfaceAddress, type Ip } from "./ip.ts";

/** `0a:58` and the four bytes of an IPv4 address, or the first four of SHA-256 of an IPv6 address in text form. */
export function macOf(ip: Ip): string {
  const bytes =
    ip.family === 4
      ? [24n, 16n, 8n, 0n].map((shift) => Number((ip.value >> shift) & 255n))
      : [...createHash("sha256").update(formatIp(ip)).digest().subarray(0, 4)];
  return ["0a", "58", ...bytes.map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

/** The MAC of an interface with these addresses: it follows from the first. */
export function macOfFirst(addresses: readonly InterfaceAddress[]): string {
  const [first] = addresses;
  if (!first) throw new RangeError("an interface without an address has no MAC");
  return macOf(first.ip);
}

/** Six lower-case hexadecimal pairs joined by colons. */
export const isMac = (text: string): boolean => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text);
