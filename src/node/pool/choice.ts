// Which ready port a pod gets, and what to say when it gets none.

import { tags } from "../../model/pool.ts";
import type { CachedPort, Use } from "./queueRow.ts";

/**
 * The port for a pod, of those that are `ready`. Only a pod of which it is `proven` that no policy selects it gets an open
 * one; it gets a closed one only if there is no other.
 */
export function portFor<T extends { readonly port: CachedPort }>(
  ready: readonly T[],
  proven: boolean,
): T | undefined {
  const first = (open: boolean): T | undefined =>
    ready
      .filter(({ port }) => port.open === open)
      .reduce<T | undefined>(
        (least, row) => (least && least.port.offset < row.port.offset ? least : row),
        undefined,
      );
  return (proven ? first(true) : undefined) ?? first(false);
}

export interface Shortage {
  readonly nodeName: string;
  readonly nested: boolean;
  /** Every port of the node. */
  readonly ports: readonly CachedPort[];
  /** Why the pod may not have an open port. */
  readonly doubt: string | undefined;
  /** Whether an offer of the controller is in force; `unheard` as long as the API server has told nothing of the node. */
  readonly offered: "yes" | "no" | "outdated" | "unheard";
  /** Why the agent may be out of touch with the controller. */
  readonly lagging: boolean;
}

/** Why there is no port for a pod, and what to do about it. */
export function shortageText(shortage: Shortage): string {
  const { nodeName, nested, ports, doubt, offered, lagging } = shortage;
  const away = lagging ? "; the API server does not answer this node's agent" : "";
  if (offered === "outdated") {
    return `the offer of ports on node ${nodeName} is older than one that was taken in before, as after a restore of the API server's database: the Weft controller is to make a new one; is it running?${away}`;
  }
  if (offered === "no" || (offered === "unheard" && ports.length === 0)) {
    return `the Weft controller has offered node ${nodeName} no ready port yet: is it running?${away}`;
  }
  if (ports.length === 0) {
    return `the Weft controller offers node ${nodeName} no ready port: see its log and the pool annotations of the node${away}`;
  }
  const count = (state: Use["state"]): number => ports.filter(({ use }) => use.state === state).length;
  const ready = count("ready");
  const used = `${ports.length} ports: ${count("claimed")} used, ${count("resting") + count("spent")} resting after their pods, ${ready} ready`;
  if (ready > 0 && doubt !== undefined) {
    return `node ${nodeName} has only ports ready that let packets pass at once, and this pod must wait for its policies (${doubt}): the controller is to offer more closed ports (${used})${away}`;
  }
  if (nested && count("claimed") >= tags.last) {
    return `all ${tags.last} VLAN tags of node ${nodeName} are in use, and a port cannot have more: run fewer pods on it, or add a node`;
  }
  return `no ready port is left on node ${nodeName} (${used}): the controller adds some as it learns of the pods; if it does not, make the node's pool or subnet larger${away}`;
}
