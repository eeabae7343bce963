// Which ready port a pod gets, and what to say when it gets none.

import { tags } from "../../model/pool.ts";
import type { CachedPort, Use } from "./queueRow.ts";

/**
 * The port for a pod, among those that are `ready`. A pod gets an open port only if it is `proven` that no policy
 * selects it, and then a closed one only if there is no open one.
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
  /** Whether an offer of the controller is in force; `unheard` until the API server has reported the Node. */
  readonly offered: "yes" | "no" | "outdated" | "unheard";
  /** Why the agent may be out of touch with the controller. */
  readonly lagging: boolean;
}

/** Why there is no port for a pod, and what to do about it. */
export function shortageText(shortage: Shortage): string {
  const { nodeName, nested, ports, doubt, offered, lagging } = shortage;
  const away = lagging ? "; the API server does not answer this node's agent" : "";
  if (offered === "outdated") {
    return `the offer of ports on node ${nodeName} is older than one already taken in, as after a restore of the API server's database: the Weft controller has to make a new one; is it running?${away}`;
  }
  if (offered === "no" || (offered === "unheard" && ports.length === 0)) {
    return `the Weft controller has not offered node ${nodeName} a ready port yet: is it running?${away}`;
  }
  if (ports.length === 0) {
    return `the Weft controller offers node ${nodeName} no ready port: see its log and the pool annotations of the node${away}`;
  }
  const count = (state: Use["state"]): number => ports.filter(({ use }) => use.state === state).length;
  const ready = count("ready");
  const spent = count("spent");
  const waiting = spent === 0 ? "" : `${spent} until the controller offers them anew, `;
  const used = `${ports.length} ports: ${count("claimed")} used, ${count("resting")} resting after their pods, ${waiting}${ready} ready`;
  if (ready > 0 && doubt !== undefined) {
    return `node ${nodeName} has only open ports ready, which let packets pass at once, and this pod must wait for its policies (${doubt}): the controller has to offer more closed ports (${used})${away}`;
  }
  if (nested && count("claimed") >= tags.last) {
    return `all ${tags.last} VLAN tags of node ${nodeName} are in use, and a port cannot have more: run fewer pods on it, or add a node`;
  }
  return `no ready port is left on node ${nodeName} (${used}): the controller adds ports once it sees the pods; if it does not, enlarge the node's pool or subnet${away}`;
}
