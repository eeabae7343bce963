// The log of a long-running command: one JSON object a line on standard output, with ISO times. An error is printed
// as one sentence with its causes. Ten thousand pods may fail for one reason, so of each warning only a few lines are
// printed and the rest are counted.

import pino from "pino";
import { type Log, type LogLevels, logLevels } from "../kube/clock.ts";
import { oneOf } from "../kube/json.ts";

/** This many lines of one warning are printed in each window: people need examples, not all of them. */
const flood = { lines: 20, windowMs: 10_000 };

/** The log, and how to change what it contains while the process runs. */
export interface JsonLog {
  readonly log: Log;
  readonly levels: LogLevels;
}

export function jsonLog(level: string): JsonLog {
  const logger = pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: "msg",
    serializers: { error: errorText },
  });
  const log = limited((severity, message, fields) => logger[severity](fields, message));
  return {
    log,
    levels: {
      current: () => logger.level,
      change: (wanted) => {
        const known = oneOf(logLevels, wanted);
        if (known === undefined) return false;
        log("info", "log level changed", { from: logger.level, to: known });
        logger.level = known;
        return true;
      },
    },
  };
}

/**
 * `error` and its causes in one sentence, or the stack of a programming error. JSON would print neither,
 * because an error's message is not enumerable.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof TypeError || error instanceof RangeError) return error.stack ?? error.message;
  const cause = error.cause === undefined ? "" : errorText(error.cause);
  const known = cause === "" || error.message.includes(cause);
  return known ? error.message : `${error.message}: ${cause}`;
}

/**
 * `log`, limited: when a warning or error recurs within a window, only its first lines, and at the window's end a
 * count of the others.
 */
export function limited(log: Log): Log {
  /** level and message ▶ its lines in the current window */
  const counts = new Map<string, number>();
  return (level, message, fields) => {
    if (level === "debug" || level === "info") return log(level, message, fields);
    const key = `${level} ${message}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= flood.lines) log(level, message, fields);
    if (count > 1) return;
    const end = (): void => {
      const unprinted = (counts.get(key) ?? 0) - flood.lines;
      counts.delete(key);
      if (unprinted > 0) log(level, message, { unprinted });
    };
    setTimeout(end, flood.windowMs).unref();
  };
}
