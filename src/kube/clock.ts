// Time and log as everything in kube/ takes them: parameters, so that tests own both. The same shapes as the
// OVSDB session's, so that a program has one clock and one log for all.

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

export interface Clock {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Milliseconds since 1970 by the clock that people set, which may jump: to be written down, never to be reckoned with. */
  readonly wall: () => number;
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

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
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
