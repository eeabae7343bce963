// A logged packet for people, and as JSON for machines: with pods and policies instead of addresses and ACLs.

import { policyText } from "../../kube/policies.ts";
import type { End, LoggedPacket } from "./packet.ts";
import type { AclOrigin } from "./policyNames.ts";

export interface NamedEnd extends End {
  /** `shop/web-1`, `node n1`; undefined for somebody who is not in the cluster, or not known. */
  readonly name: string | undefined;
}

export interface PolicyPacket extends Pick<LoggedPacket, "time" | "verdict" | "severity" | "protocol"> {
  readonly from: NamedEnd;
  readonly to: NamedEnd;
  readonly policy: AclOrigin;
}

export function packetLine({ time, verdict, severity, protocol, from, to, policy }: PolicyPacket): string {
  const { kind, namespace, name, direction, rule } = policy;
  const why = rule === undefined ? "no rule allows it" : `rule ${rule}`;
  return `${time} ${verdict.padEnd(5)} ${severity} ${endText(from)} > ${endText(to)} ${protocol}: ${policyText({ kind, namespace, name })}, ${direction}, ${why}`;
}

function endText({ address, port, name }: NamedEnd): string {
  const bracketed = address.includes(":") && port !== undefined ? `[${address}]` : address;
  const where = port === undefined ? bracketed : `${bracketed}:${port}`;
  return name === undefined ? where : `${name} (${where})`;
}
