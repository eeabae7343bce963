// What another member's server says of itself, in its database `_Server`.

import { type Session as OvsdbSession, Session, serverDatabase, type TlsOptions } from "../ovsdb/index.ts";
import type { Answer } from "./beginning.ts";
import { type DatabaseName, type Member, places, remoteOf } from "./members.ts";

/** A server that runs answers within milliseconds. */
const patienceMs = 3000;
/** The cluster id of a server that has not joined a cluster yet. */
const none = /^[0-]*$/;

export async function answerOf(
  peer: Member,
  name: DatabaseName,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const { database, port } = places[name];
  const limited = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  await using session: OvsdbSession = new Session({
    remotes: [remoteOf(peer, port)],
    database: "_Server",
    tls,
  });
  session.start();
  try {
    await session.connected(limited);
    const rows = await session.select(serverDatabase, "Database", [], { signal: limited });
    const row = rows.find((each) => each.name === database);
    if (row?.model !== "clustered") return "silent";
    return row.cid === undefined || none.test(row.cid) ? "waits" : { cluster: row.cid };
  } catch (error) {
    if (signal.aborted) throw error;
    return "silent";
  }
}
