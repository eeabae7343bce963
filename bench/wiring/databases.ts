// The bench's own connections to a sandbox's databases.

import type { NodeHost } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { Session } from "../../src/ovsdb/index.ts";

/** Resolves once the session is connected. */
export const northboundOf = ({ layout }: Sandbox): Promise<Session> =>
  sessionTo(layout.central.northboundSocket, "OVN_Northbound");

export const southboundOf = ({ layout }: Sandbox): Promise<Session> =>
  sessionTo(layout.central.southboundSocket, "OVN_Southbound");

export const vswitchOf = ({ ovsSocket }: NodeHost): Promise<Session> => sessionTo(ovsSocket, "Open_vSwitch");

/** Resolves when every chassis has everything that is in the northbound database. */
export async function settled(sandbox: Sandbox): Promise<void> {
  await sandbox.central.exec(["ovn-nbctl", "--timeout=240", "--wait=hv", "sync"], { timeoutMs: 250_000 });
}

async function sessionTo(socket: string, database: string): Promise<Session> {
  const session = new Session({ remotes: [`unix:${socket}`], database });
  session.start();
  await session.connected();
  return session;
}
