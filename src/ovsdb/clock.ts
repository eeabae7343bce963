// Time as the session sees it, so that tests can bring their own.

export interface Clock {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Runs `action` after `ms`; the returned function cancels it. */
  readonly after: (ms: number, action: () => void) => () => void;
}

/** The longest delay that `setTimeout` accepts; a longer one would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  // The action runs after the poll phase, not before it. So a program that was busy for longer than a time limit
  // reads the bytes that arrived meanwhile before it concludes that nothing arrived.
  after: (ms, action) => {
    let immediate: NodeJS.Immediate | undefined;
    const timeout = setTimeout(
      () => {
        immediate = setImmediate(action);
      },
      Math.min(ms, maxTimeoutMs),
    );
    return () => {
      clearTimeout(timeout);
      clearImmediate(immediate);
    };
  },
};
