// A private RAFT cluster of real ovsdb-servers, members joined by unix sockets.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type OvsdbServer, run, startServer } from "./ovsdbServer.ts";

export interface OvsdbCluster extends AsyncDisposable {
  readonly members: readonly OvsdbServer[];
  readonly remotes: readonly string[];
  /** Index of the member that leads now; waits for an election. */
  leader(): Promise<number>;
}

/** A running cluster of `size` members with an empty database `database` of the schema in `schemaFile`. */
export async function startOvsdbCluster(
  schemaFile: string,
  database: string,
  size = 3,
): Promise<OvsdbCluster> {
  const folder = await mkdtemp(join(tmpdir(), "weft-raft-"));
  const members: OvsdbServer[] = [];
  const dispose = async (): Promise<void> => {
    for (const member of members) await member[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const address = (index: number): string => `unix:${join(folder, `raft-${index}`)}`;
    for (let index = 0; index < size; index++) {
      const memberFolder = await mkdtemp(join(folder, "member-"));
      const file = join(memberFolder, "db");
      if (index === 0) await run("ovsdb-tool", ["create-cluster", file, schemaFile, address(0)]);
      else await run("ovsdb-tool", ["join-cluster", file, database, address(index), address(0)]);
      members.push(await startServer(memberFolder, file, await freePort()));
      await run("ovsdb-client", [
        "--timeout=20",
        "wait",
        `unix:${join(memberFolder, "sock")}`,
        database,
        "connected",
      ]);
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  async function leader(): Promise<number> {
    for (let attempt = 0; attempt < 200; attempt++) {
      for (const [index, member] of members.entries()) if (await leads(member, database)) return index;
      await sleep(50);
    }
    throw new Error(`no member of ${database} leads`);
  }

  return { members, remotes: members.map(({ remote }) => remote), leader, [Symbol.asyncDispose]: dispose };
}

async function leads(member: OvsdbServer, database: string): Promise<boolean> {
  if (!member.running) return false;
  const status = await run("ovs-appctl", ["-t", join(member.folder, "ctl"), "cluster/status", database]);
  return /^Role: leader$/m.test(status);
}
