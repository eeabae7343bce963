// What the southbound database says of this cluster's pod ports: bound to a chassis, and installed there. Only read, for
// metrics: a controller that cannot reach it works on.

import { podOfPort } from "../model/names.ts";
import { type PortBindingRow, southbound } from "../ovn/southbound.gen.ts";
import type { Session } from "../ovsdb/index.ts";

export interface Bindings {
  /** Of a pod, `shop/web-1`. */
  readonly stateOf: (pod: string) => "unbound" | "bound" | "installed";
}

/** Follows the bindings for as long as the session lives; `onReached` is called for each pod that gets so far. */
export function followBindings(
  session: Session,
  cluster: string,
  onReached: (pod: string, state: "bound" | "installed") => void,
): Bindings {
  const states = new Map<string, "bound" | "installed">();
  const replica = session.replica(southbound, {
    Port_Binding: { columns: ["logical_port", "chassis", "up"] },
  });
  replica.subscribe((changes) => {
    for (const { table, old, new: now } of changes) {
      if (table !== "Port_Binding") continue;
      const pod = podOfPort(cluster, (now ?? old)?.logical_port ?? "");
      if (pod === undefined) continue;
      const state = now && stateOf(now);
      if (state === undefined) states.delete(pod);
      else {
        states.set(pod, state);
        onReached(pod, "bound");
        if (state === "installed") onReached(pod, state);
      }
    }
  });
  return { stateOf: (pod) => states.get(pod) ?? "unbound" };
}

function stateOf(row: PortBindingRow): "bound" | "installed" | undefined {
  if (row.chassis === undefined) return undefined;
  return row.up === true ? "installed" : "bound";
}
