import type { Session } from "../ovsdb/index.ts";

/** How to report a database that did not answer in time. */
export function unanswered(remotes: readonly string[], { lastError }: Session): string {
  const reason = lastError ? `: ${lastError.message}` : "";
  const mayNot = /EACCES/.test(reason) && process.getuid?.() !== 0;
  return `${remotes.join(",")} did not answer${reason}${mayNot ? "; only root may use this socket, and you are not root" : ""}`;
}
