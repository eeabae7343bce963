// Ports by name: two pods may mean different numbers by one name, so each number has the addresses of those who mean it.

import { hash } from "node:crypto";
import { formatIp, type Ip } from "../model/ip.ts";
import type { Scope } from "../model/scope.ts";
import type { FactList } from "./facts.ts";

/**
 * The sets of those who mean one port by a name, and the match that a packet goes to one of them. `meaning` is a text that
 * nobody else uses.
 */
export function planHolders(facts: FactList, { names }: Scope, meaning: string, ips: readonly Ip[]): string {
  const id = hash("sha256", meaning, "hex").slice(0, 16);
  const terms = ([4, 6] as const).map((family) => {
    const name = names.portHolders(id, family);
    const addresses = new Set(ips.filter((ip) => ip.family === family).map(formatIp));
    facts.row("Address_Set", name, { name, addresses: [...addresses] });
    return `ip${family}.dst == $${name}`;
  });
  return `(${terms.join(" || ")})`;
}
