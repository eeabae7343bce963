// How far OVN is with this cluster's ports, as the southbound database tells: translated, bound to a chassis, installed
// there. Only read.

import type { Owner } from "../model/fact.ts";
import { placeOfPort, podOfPort } from "../model/names.ts";
import { type PortBindingRow, southbound } from "../ovn/southbound.gen.ts";
import type { Session } from "../ovsdb/index.ts";

export type PortState = "absent" | "unbound" | "bound" | "installed";

export interface PortStates {
  /** The database has told of all ports once. */
  readonly synced: boolean;
  /** Resolves when that is so; rejects with the signal's reason when it aborts first. */
  ready(signal: AbortSignal): Promise<void>;
  stateOf(port: string): PortState;
  /** Calls `listener` with the owner of each pool whose ports changed. Returns what ends that. */
  subscribe(listener: (owner: Owner) => void): () => void;
}

/** Follows the ports for as long as the session lives; `onReached` is called for each pod's own port that gets so far. */
export function followPorts(
  session: Session,
  cluster: string,
  onReached: (pod: string, state: "bound" | "installed") => void,
): PortStates {
  const states = new Map<string, PortState>();
  const listeners = new Set<(owner: Owner) => void>();
  const replica = session.replica(southbound, {
    Port_Binding: { columns: ["logical_port", "chassis", "up"] },
  });
  replica.subscribe((changes) => {
    const nodes = new Set<string>();
    for (const { table, old, new: now } of changes) {
      if (table !== "Port_Binding") continue;
      const port = (now ?? old)?.logical_port ?? "";
      const pod = podOfPort(cluster, port);
      const place = placeOfPort(cluster, port);
      if (pod === undefined && !place) continue;
      const state = now ? stateIn(now) : "absent";
      if (now) states.set(port, state);
      else states.delete(port);
      if (place) nodes.add(place.node);
      if (pod === undefined || state === "absent" || state === "unbound") continue;
      onReached(pod, "bound");
      if (state === "installed") onReached(pod, state);
    }
    for (const node of nodes) for (const listener of listeners) listener(`pool/${node}`);
  });
  return {
    get synced() {
      return replica.synced;
    },
    ready: (signal) => replica.ready(signal),
    stateOf: (port) => states.get(port) ?? "absent",
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function stateIn(row: PortBindingRow): PortState {
  if (row.up === true && (row.chassis !== undefined || row.parent_port !== undefined)) return "installed";
  return row.chassis === undefined ? "unbound" : "bound";
}
