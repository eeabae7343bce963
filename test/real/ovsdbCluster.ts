// A private RAFT cluster of real ovsdb-servers, with members joined by unix sockets. Each member has a folder of its
// own in which it finds the sockets of all, under the same names. The sockets of the others are relays, one for each
// direction, so that a member can be cut off from its peers while its clients still reach it.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type OvsdbServer, run, startServer } from "./ovsdbServer.ts";
import { type Relay, startRelay } from "./relay.ts";

export interface OvsdbCluster extends AsyncDisposable {
  readonly members: readonly OvsdbServer[];
  readonly remotes: readonly string[];
  /** The index of the present leader. Waits for an election. */
  leader(): Promise<number>;
  /** From now on nothing passes between the member and its peers. */
  isolate(member: number): void;
  /** Delivers what was held up, and everything from now on. */
  rejoin(member: number): void;
  /** Resolves when the member is connected to the majority. */
  settled(member: number): Promise<void>;
}

/** One direction between two members: `from` connects, `to` listens. */
interface PeerLink {
  readonly from: number;
  readonly to: number;
  readonly relay: Relay;
}

/** A running cluster of `size` members with an empty database `database` of the schema in `schemaFile`. */
export async function startOvsdbCluster(
  schemaFile: string,
  database: string,
  size = 3,
): Promise<OvsdbCluster> {
  const folder = await mkdtemp(join(tmpdir(), "weft-raft-"));
  const members: OvsdbServer[] = [];
  const links: PeerLink[] = [];
  const dispose = async (): Promise<void> => {
    for (const member of members) await member[Symbol.asyncDispose]();
    for (const { relay } of links) await relay[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  const home = (member: number): string => join(folder, `member-${member}`);
  const socket = (member: number): string => `raft-${member}`;
  const settled = async (member: number): Promise<void> => {
    await run("ovsdb-client", [
      "--timeout=20",
      "wait",
      `unix:${join(home(member), "sock")}`,
      database,
      "connected",
    ]);
  };
  try {
    const numbers = [...Array(size).keys()];
    for (const member of numbers) await mkdir(home(member));
    for (const from of numbers)
      for (const to of numbers) {
        if (from === to) continue;
        const path = join(home(from), socket(to));
        const relay = await startRelay(`unix:${join(home(to), socket(to))}`, { path });
        links.push({ from, to, relay });
      }
    for (const index of numbers) {
      const file = join(home(index), "db");
      const [own, first] = [`unix:${socket(index)}`, `unix:${socket(0)}`];
      if (index === 0) await run("ovsdb-tool", ["create-cluster", file, schemaFile, own]);
      else await run("ovsdb-tool", ["join-cluster", file, database, own, first]);
      members.push(await startServer(home(index), file, await freePort()));
      await settled(index);
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  const of = (member: number): PeerLink[] => links.filter(({ from, to }) => from === member || to === member);

  async function leader(): Promise<number> {
    for (let attempt = 0; attempt < 200; attempt++) {
      for (const [index, member] of members.entries()) if (await leads(member, database)) return index;
      await sleep(50);
    }
    throw new Error(`no member of ${database} leads`);
  }

  return {
    members,
    remotes: members.map(({ remote }) => remote),
    leader,
    isolate(member) {
      for (const { relay } of of(member)) relay.freeze();
    },
    rejoin(member) {
      for (const { relay } of of(member)) relay.thaw();
    },
    settled,
    [Symbol.asyncDispose]: dispose,
  };
}

async function leads(member: OvsdbServer, database: string): Promise<boolean> {
  if (!member.running) return false;
  const status = await run("ovs-appctl", ["-t", join(member.folder, "ctl"), "cluster/status", database]);
  return /^Role: leader$/m.test(status);
}
