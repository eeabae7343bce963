// Why there is no connection, in words that say what to check.

import { isOvsdbError, OvsdbError } from "./errors.ts";
import { tlsError } from "./tls.ts";

const meanings: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no server has made this socket: is one running there?"],
  ["ECONNREFUSED", "nothing listens there: is the server running, and on this address and port?"],
  ["EACCES", "this user may not use the socket: run as its owner, or in its group"],
  ["ENOTFOUND", "there is no host of this name"],
  ["EAI_AGAIN", "the name of the host cannot be looked up now"],
  ["EHOSTUNREACH", "there is no route to this host"],
  ["ENETUNREACH", "there is no route to this host"],
]);

/** The meaning of a stream's error for its user. */
export function connectionError(cause: Error): OvsdbError {
  if (isOvsdbError(cause)) return cause;
  const known = tlsError(cause);
  if (known) return known;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const meaning = meanings.get(code);
  const message = `connection failed: ${cause.message}${meaning === undefined ? "" : `; ${meaning}`}`;
  return new OvsdbError("connection lost", message, { cause });
}
