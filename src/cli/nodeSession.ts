// The node's own Open vSwitch, as the commands of `weft node` use it.

import { followVswitch, type Vswitch } from "../node/ovs/vswitch.ts";
import { Writer } from "../node/ovs/writer.ts";
import { Session } from "../ovsdb/index.ts";
import { unanswered } from "./unanswered.ts";

const patienceMs = 10_000;

/** Calls `work` with a copy of the database at `remote` that is up to date. */
export async function withVswitch<T>(
  remote: string,
  work: (db: Vswitch, writer: Writer) => Promise<T>,
): Promise<T> {
  await using session = new Session({ remotes: [remote], database: "Open_vSwitch" });
  session.start();
  const db = followVswitch(session);
  await db.ready(AbortSignal.timeout(patienceMs)).catch((cause: unknown) => {
    throw new Error(unanswered([remote], session), { cause });
  });
  return await work(db, new Writer(session));
}

export function requireRoot(command: string): void {
  if (process.getuid?.() !== 0)
    throw new Error(`${command} must run as root: it changes the node's network and Open vSwitch`);
}
