// Forgets connections of a floating address when it comes to lead to another pod, or to none. Otherwise the trackers would go
// on as each connection began: clients would talk to the pod that had the address before, and that pod would send with it.
// Every node does so, because balancers on the clients' own switches lead there too. What moved while no agent ran is found by
// what the agent before has written down.

import type { Clock, Log } from "../../kube/clock.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import type { Store } from "../../kube/store.ts";
import { formatIp, type Ip, parseIp } from "../../model/ip.ts";
import { CommandError, type Run } from "../host/run.ts";
import type { LedBefore } from "./ledBefore.ts";

/** Again and again: until OVN on each node has the new rows, connections come back as they were. */
const roundsMs = [0, 500, 1_500, 4_000] as const;

export interface FloatingFlushOptions {
  readonly floatings: Store<FloatingAddress>;
  /** Removes connections to and from these addresses from the datapath's tracker. */
  readonly forget: (addresses: readonly Ip[]) => Promise<void>;
  readonly ledBefore: Pick<LedBefore, "floating" | "keepFloating">;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Log;
}

/** Flushes until `signal` is aborted. */
export function flushMoved(options: FloatingFlushOptions, signal: AbortSignal): void {
  const { floatings, ledBefore, clock } = options;
  const calledOff = new Set<() => void>();
  const flushed = async (ips: readonly Ip[], round: () => void): Promise<void> => {
    await flush(options, ips);
    calledOff.delete(round);
    // While another round is to come, the next agent would have to do it.
    if (calledOff.size === 0 && floatings.synced && !signal.aborted)
      await ledBefore.keepFloating(holders(floatings.values()));
  };
  const forget = (ips: readonly Ip[]): void => {
    for (const afterMs of roundsMs) {
      const callOff = clock.after(afterMs, () => void flushed(ips, callOff));
      calledOff.add(callOff);
    }
  };
  const before = ledBefore.floating;
  floatings.ready(signal).then(
    () => forget(movedIps(before ?? new Map(), holders(floatings.values()))),
    () => undefined,
  );
  const stop = floatings.subscribe((changes) => {
    const old = holders(changes.flatMap((change) => change.old ?? []));
    const now = holders(changes.flatMap((change) => change.new ?? []));
    if (!isSame(old, now)) forget(movedIps(old, now));
  });
  signal.addEventListener("abort", () => {
    stop();
    for (const callOff of calledOff) callOff();
  });
}

/** Address -> the UID of the pod that has it. */
export const holders = (floatings: Iterable<FloatingAddress>): ReadonlyMap<string, string> =>
  new Map(
    [...floatings].flatMap(({ given: { ips, podUid } }) =>
      podUid === undefined ? [] : ips.map((ip) => [ip, podUid] as const),
    ),
  );

/** The addresses that led to a pod before, and no longer lead to it. */
export const movedIps = (
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): readonly Ip[] =>
  [...before].flatMap(([text, uid]) => (now.get(text) === uid ? [] : (parseIp(text) ?? [])));

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([ip, uid]) => other.get(ip) === uid);

async function flush({ forget, run, log }: FloatingFlushOptions, ips: readonly Ip[]): Promise<void> {
  if (ips.length === 0) return;
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
