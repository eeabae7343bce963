// What a watch does next, as a pure function: list, watch from where the list ended, resume after every end, and list
// again only when the server cannot go on from that place. It performs nothing and has no clock; watch.ts carries out the
// steps.

/** One request of a watch. */
export type Step =
  /** A watch that begins with all objects (`sendInitialEvents`, KEP-3157). */
  | { readonly type: "streamed list" }
  /** One page of a list; cursor "" is the first. */
  | { readonly type: "page"; readonly cursor: string }
  | { readonly type: "watch"; readonly resourceVersion: string };

export interface Cycle {
  readonly step: Step;
  /**
   * Failures since a watch last brought news. A successful list does not count as news: otherwise a server that
   * forgets at once would be listed in a tight loop.
   */
  readonly failures: number;
}

export interface Failure {
  /** "refused": the server is there, and says no for another reason than the others here. */
  readonly type: "expired" | "refused" | "streamed list refused" | "not served" | "other";
  readonly retryAfterMs?: number | undefined;
}

/** How a step ended. */
export type Outcome =
  | { readonly type: "page taken"; readonly cursor: string }
  /** The store holds everything up to the version, whether the stream then ended normally or failed. */
  | {
      readonly type: "caught up";
      readonly resourceVersion: string;
      /** News came after the list, or the stream lasted a while: the server is well. */
      readonly lively: boolean;
      readonly failure: Failure | undefined;
    }
  | { readonly type: "list broken"; readonly failure: Failure };

export interface Next {
  readonly cycle: Cycle;
  readonly delayMs: number;
}

export const beginning: Cycle = { step: { type: "streamed list" }, failures: 0 };

/** A place that is refused this often is given up: servers have many words for not knowing it. */
const mostRefusals = 5;

const firstDelayMs = 250;
const longestDelayMs = 30_000;

/** `random` is a number in [0, 1). */
export function nextAfter(cycle: Cycle, outcome: Outcome, random: number): Next {
  switch (outcome.type) {
    case "page taken":
      return { cycle: { ...cycle, step: { type: "page", cursor: outcome.cursor } }, delayMs: 0 };
    case "caught up": {
      const { failure, lively, resourceVersion } = outcome;
      const before = lively ? 0 : cycle.failures;
      const isLost =
        failure?.type === "expired" || (failure?.type === "refused" && before + 1 >= mostRefusals);
      const step: Step = isLost ? beginning.step : { type: "watch", resourceVersion };
      // A watch that the server ends at once, again and again, is a failure too. A list is expected to end.
      const failed = failure !== undefined || (!lively && cycle.step.type === "watch");
      return failed
        ? failedNext(step, before + 1, failure, random)
        : { cycle: { step, failures: before }, delayMs: 0 };
    }
    case "list broken": {
      const { failure } = outcome;
      const { step, failures } = cycle;
      if (failure.type === "streamed list refused")
        return { cycle: { step: firstPage, failures }, delayMs: 0 };
      if (failure.type === "not served")
        return { cycle: beginning, delayMs: longestDelayMs * (0.5 + random / 2) };
      const restart = failure.type === "expired" && step.type === "page";
      return failedNext(restart ? firstPage : step, failures + 1, failure, random);
    }
  }
}

const firstPage: Step = { type: "page", cursor: "" };

/**
 * The delay doubles with each failure. Its upper half is random, so that a thousand agents do not return at once. A
 * server's Retry-After is added, because it is the same for everyone.
 */
function failedNext(step: Step, failures: number, failure: Failure | undefined, random: number): Next {
  const backoffMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1));
  const delayMs = backoffMs * (0.5 + random / 2) + (failure?.retryAfterMs ?? 0);
  return { cycle: { step, failures }, delayMs };
}
