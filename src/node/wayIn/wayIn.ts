// Everything by which this node is reached from outside: the ports of Services and pods, floating addresses, announcements of
// the addresses that are here, and the answers to load balancers' health checks.

import type { AgentOptions } from "../../config/agent.ts";
import { systemClock } from "../../kube/clock.ts";
import type { Ip } from "../../model/ip.ts";
import type { Check } from "../nouns/check.ts";
import { type Flush, withAddress, withUdpPort } from "../ovs/conntrack.ts";
import { Announcer } from "./announcer.ts";
import { flushMoved } from "./floatingFlush.ts";
import { HealthChecks, type HealthChecksOptions } from "./healthChecks.ts";
import type { LedBefore } from "./ledBefore.ts";
import { PortWriter, type PortWriterOptions, type WayInPlace } from "./portWriter.ts";

export interface WayInOptions
  extends Omit<PortWriterOptions, "forget" | "ledBefore">,
    Pick<HealthChecksOptions, "slicesOf">,
    Pick<AgentOptions, "network"> {
  readonly flush: Flush;
  readonly ledBefore: LedBefore;
  /** Why packets for endpoints on this node might not get there; undefined when they do. */
  readonly notReady: () => string | undefined;
}

export interface WayIn {
  /** The node is here. Everything is written again, since something may have taken it away. */
  readonly set: (place: WayInPlace) => void;
  /** Checks of what was written last; undefined while something is being written. */
  readonly checks: () => readonly Check[] | undefined;
  /** Runs until `signal` is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export function wayInOf(options: WayInOptions): WayIn {
  const { network, flush, notReady } = options;
  const isOverlay = network.mode === "overlay";
  const ports = new PortWriter({
    ...options,
    forget: (addresses, port) => flush(addresses.flatMap((ip) => withUdpPort(ip, port))),
  });
  const announcer = new Announcer({ ...options, clock: systemClock });
  const healthChecks = new HealthChecks({
    ...options,
    // A virtual machine has no gateway router that could keep the client's address.
    isHealthy: () => isOverlay && notReady() === undefined,
  });
  const flushing = {
    ...options,
    clock: systemClock,
    forget: (addresses: readonly Ip[]) => flush(addresses.flatMap(withAddress)),
  };
  return {
    set: (place) => {
      ports.set(place);
      announcer.set(place.bridge);
    },
    checks: ports.checks,
    run: async (signal) => {
      if (isOverlay) flushMoved(flushing, signal);
      await Promise.all([ports.run(signal), announcer.run(signal), healthChecks.run(signal)]);
    },
  };
}
