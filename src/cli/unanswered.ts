import type { Session } from "../ovsdb/index.ts";

/** What to say of a database that did not answer in time. */
export const unanswered = (remotes: readonly string[], { lastError }: Session): string =>
  `${remotes.join(",")} did not answer${lastError ? `: ${lastError.message}` : ""}`;
