// Time and log as everything in kube/ takes them: parameters, so that tests own both. The same shapes as the
// OVSDB session's, so that a program has one clock and one log for all.

import { performance } from "node:perf_hooks";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

export interface Clock {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Runs `action` after `ms`; the returned function calls that off. */
  readonly after: (ms: number, action: () => void) => () => void;
}

/** What long-lived parts are given from outside; each has a default. */
export interface Surroundings {
  readonly clock?: Clock;
  /** A number in [0, 1), for jitter and name suffixes. */
  readonly random?: () => number;
  readonly log?: Log;
}

/**
 * Milliseconds since 1970 by the monotonic clock: they can be written into a timestamp, and yet a step of the
 * wall clock neither prolongs a lease nor ends it.
 */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

export const silent: Log = () => undefined;

/** Resolves after `ms`, or at once when `signal` aborts: the caller looks at the signal, as its loop does anyway. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal.addEventListener("abort", finish);
  });
}
