import type { Session } from "../ovsdb/index.ts";

/** How to report a database that did not answer in time. */
export const unanswered = (remotes: readonly string[], { lastError }: Session): string =>
  `${remotes.join(",")} did not answer${lastError ? `: ${lastError.message}` : ""}`;
