// How far OVN is with this cluster's ports, according to the southbound database: translated, bound to a chassis,
// installed there. Read only.
//
// ovn-northd copies the external_ids of a port's row, so those of Weft's own ports are known here, too. A port that
// somebody else made under the name of one of Weft's does not count.

import { ownership, placeOfPort, podOfPort } from "../model/names.ts";
import { type PortBindingRow, southbound } from "../ovn/southbound.gen.ts";
import type { Session } from "../ovsdb/index.ts";

/** In the order in which a port reaches them. */
export const portStates = ["absent", "unbound", "bound", "installed"] as const;
export type PortState = (typeof portStates)[number];

export interface PortListener {
  /** The pod's own port has reached this state. `pod` is `shop/web-1`. */
  readonly pod?: (pod: string, state: "bound" | "installed") => void;
  /** Ports of the node's pool have reached these states, or have fallen back behind them. */
  readonly pool?: (node: string, crossed: ReadonlySet<PortState>) => void;
}

export interface PortStates {
  /** Whether the database has listed all ports once. */
  readonly synced: boolean;
  /** Resolves once it has; rejects with the signal's reason if that aborts first. */
  ready(signal: AbortSignal): Promise<void>;
  stateOf(port: string): PortState;
  /** The name of the chassis that carries the port; undefined while none does. */
  chassisOf(port: string): string | undefined;
  /** The physical networks that this chassis is joined to (ovn-bridge-mappings). */
  physicalNetworksOf(port: string): readonly string[];
  /** The same of a port that is not this cluster's. */
  chassisOfMachine(port: string): string | undefined;
  /** Whether the port is in `state` or further; undefined until all ports have been listed. */
  isAtLeast(state: PortState, port: string): boolean | undefined;
  /** Returns a function that ends the calls. */
  subscribe(listener: PortListener): () => void;
}

/** Follows the ports for the life of the session. */
export function followPorts(session: Session, cluster: string): PortStates {
  /** port -> its state, the uuid of the row that tells it, and that of its chassis */
  const states = new Map<
    string,
    { readonly uuid: string; readonly state: PortState; readonly chassis: string | undefined }
  >();
  const listeners = new Set<PortListener>();
  const replica = session.replica(
    southbound,
    {
      Port_Binding: { columns: ["logical_port", "chassis", "up", "parent_port", "external_ids"] },
      Chassis: { columns: ["name", "other_config"] },
    },
    { indexes: { Port_Binding: ["logical_port"] } },
  );
  const stateOf = (port: string): PortState => states.get(port)?.state ?? "absent";
  const reached = (pod: string, state: "bound" | "installed"): void => {
    for (const listener of listeners) listener.pod?.(pod, state);
  };
  replica.subscribe((changes) => {
    const nodes = new Map<string, Set<PortState>>();
    for (const { table, uuid, old, new: row } of changes) {
      if (table !== "Port_Binding") continue;
      const now = row?.external_ids.get(ownership.cluster) === cluster ? row : undefined;
      const port = (now ?? old)?.logical_port ?? "";
      const pod = podOfPort(cluster, port);
      const place = placeOfPort(cluster, port);
      if (pod === undefined && !place) continue;
      // Its successor has been seen already: a transaction's changes come in any order.
      if (!now && states.get(port)?.uuid !== uuid) continue;
      const before = stateOf(port);
      const state = now ? stateIn(now) : "absent";
      if (now) states.set(port, { uuid, state, chassis: now.chassis });
      else states.delete(port);
      if (place) nodes.set(place.node, (nodes.get(place.node) ?? new Set()).union(crossed(before, state)));
      if (pod === undefined || state === "absent" || state === "unbound") continue;
      reached(pod, "bound");
      if (state === "installed") reached(pod, state);
    }
    for (const [node, of] of nodes) for (const listener of listeners) listener.pool?.(node, of);
  });
  return {
    get synced() {
      return replica.synced;
    },
    ready: (signal) => replica.ready(signal),
    stateOf,
    chassisOf: (port) => replica.table("Chassis").get(states.get(port)?.chassis ?? "")?.name,
    physicalNetworksOf: (port) => {
      const mappings = replica.table("Chassis").get(states.get(port)?.chassis ?? "")?.other_config;
      return (mappings?.get("ovn-bridge-mappings") ?? "")
        .split(",")
        .flatMap((mapping) => mapping.split(":")[0]?.trim() || []);
    },
    chassisOfMachine: (port) => {
      const [binding] = replica.table("Port_Binding").by("logical_port", port);
      return replica.table("Chassis").get(binding?.chassis ?? "")?.name;
    },
    isAtLeast: (state, port) =>
      replica.synced ? portStates.indexOf(stateOf(port)) >= portStates.indexOf(state) : undefined,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The states that one of the two has reached and the other has not. */
export function crossed(a: PortState, b: PortState): ReadonlySet<PortState> {
  const [one, other] = [portStates.indexOf(a), portStates.indexOf(b)];
  return new Set(portStates.slice(Math.min(one, other) + 1, Math.max(one, other) + 1));
}

function stateIn(row: Pick<PortBindingRow, "up" | "chassis" | "parent_port">): PortState {
  if (row.up === true && (row.chassis !== undefined || row.parent_port !== undefined)) return "installed";
  return row.chassis === undefined ? "unbound" : "bound";
}
