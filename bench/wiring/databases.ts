// The bench's own way to the databases of a sandbox.

import type { NodeHost } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { Session } from "../../src/ovsdb/index.ts";

/** Sessions that are connected. */
export const northboundOf = ({ layout }: Sandbox): Promise<Session> =>
  sessionTo(layout.central.northboundSocket, "OVN_Northbound");

export const southboundOf = ({ layout }: Sandbox): Promise<Session> =>
  sessionTo(layout.central.southboundSocket, "OVN_Southbound");

export const vswitchOf = ({ ovsSocket }: NodeHost): Promise<Session> => sessionTo(ovsSocket, "Open_vSwitch");

/** Resolves when every chassis has all that the northbound database says. */
export async function settled(sandbox: Sandbox): Promise<void> {
  await sandbox.central.exec(["ovn-nbctl", "--timeout=240", "--wait=hv", "sync"], { timeoutMs: 250_000 });
}

async function sessionTo(socket: string, database: string): Promise<Session> {
  const session = new Session({ remotes: [`unix:${socket}`], database });
  session.start();
  await session.connected();
  return session;
}
