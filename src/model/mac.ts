// MAC addresses computed from IP addresses, as ovn-kubernetes computes them: nothing has to be stored, and a pod's
// MAC is known as soon as its address is. 0a:58 is locally administered and unicast.

import { hash } from "node:crypto";
import { formatIp, type InterfaceAddress, type Ip } from "./ip.ts";

/** `0a:58` and the four bytes of an IPv4 address, or the first four of SHA-256 of an IPv6 address in text form. */
export function macOf(ip: Ip): string {
  const digits =
    ip.family === 4 ? ip.value.toString(16).padStart(8, "0") : hash("sha256", formatIp(ip), "hex");
  return ["0a", "58", ...[0, 2, 4, 6].map((at) => digits.slice(at, at + 2))].join(":");
}

/** The MAC of an interface with these addresses: it follows from the first. */
export function macOfFirst(addresses: readonly InterfaceAddress[]): string {
  const [first] = addresses;
  if (!first) throw new RangeError("an interface without an address has no MAC");
  return macOf(first.ip);
}

/** Six lower-case hexadecimal pairs joined by colons. */
export const isMac = (text: string): boolean => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text);
