// Forgets connections of a floating address when it comes to lead to another pod, or to none. Otherwise the trackers would go
// on as each connection began: clients would talk to the pod that had the address before, and that pod would send with it.
// Every node does so, because balancers on the clients' own switches lead there too.

import type { Clock, Log } from "../../kube/clock.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import type { Change, Store } from "../../kube/store.ts";
import { formatIp, type Ip, parseIp } from "../../model/ip.ts";
import { CommandError, type Run } from "../host/run.ts";

/** Again and again: until OVN on each node has the new rows, connections come back as they were. */
const roundsMs = [0, 500, 1_500, 4_000] as const;

export interface FloatingFlushOptions {
  readonly floatings: Store<FloatingAddress>;
  /** Removes connections to and from these addresses from the datapath's tracker. */
  readonly forget: (addresses: readonly Ip[]) => Promise<void>;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Log;
}

/** Flushes until `signal` is aborted. */
export function flushMoved(options: FloatingFlushOptions, signal: AbortSignal): void {
  const { floatings, clock } = options;
  const calledOff = new Set<() => void>();
  const stop = floatings.subscribe((changes) => {
    const ips = movedIps(changes);
    if (ips.length === 0) return;
    for (const afterMs of roundsMs) {
      const callOff = clock.after(afterMs, () => {
        calledOff.delete(callOff);
        void flush(options, ips);
      });
      calledOff.add(callOff);
    }
  });
  signal.addEventListener("abort", () => {
    stop();
    for (const callOff of calledOff) callOff();
  });
}

/** The addresses that led to a pod before, and no longer lead to it. */
export function movedIps(changes: readonly Change<FloatingAddress>[]): readonly Ip[] {
  const moved = changes.flatMap(({ old, new: now }) =>
    old?.given.podUid === undefined
      ? []
      : old.given.ips.filter((ip) => old.given.podUid !== now?.given.podUid || !now?.given.ips.includes(ip)),
  );
  return [...new Set(moved)].flatMap((text) => parseIp(text) ?? []);
}

async function flush({ forget, run, log }: FloatingFlushOptions, ips: readonly Ip[]): Promise<void> {
  await forget(ips);
  // By the address that they were sent to; and by the one that answers are sent to, where the kernel has put it in.
  for (const [ip, end] of ips.flatMap((each) => (["-d", "-q"] as const).map((side) => [each, side] as const)))
    try {
      await run(["conntrack", "-D", "-f", `ipv${ip.family}`, end, formatIp(ip)]);
    } catch (error) {
      // conntrack(8) fails as well when there was nothing to delete.
      if (!(error instanceof CommandError && error.output.includes("0 flow entries")))
        log("warn", "connections of a floating address were not flushed from the kernel", { error });
    }
}
