// Time and log, as everything in kube/ takes them: as parameters, so that tests control both. The shapes are those of
// the OVSDB session, so that a program can use one clock and one log for everything.

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

/** What is logged, while the process runs. */
export interface LogLevels {
  readonly current: () => string;
  /** Returns false when there is no such level. */
  readonly change: (level: string) => boolean;
}

export interface Clock {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Milliseconds since 1970 by the wall clock, which may jump: for writing down, never for computing with. */
  readonly wall: () => number;
  /** Runs `action` after `ms`; the returned function cancels it. */
  readonly after: (ms: number, action: () => void) => () => void;
}

/** What long-lived parts take from outside; each has a default. */
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

/** Resolves after `ms`, or at once when `signal` aborts. Callers check the signal in their loops anyway. */
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
