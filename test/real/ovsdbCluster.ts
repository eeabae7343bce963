// A private RAFT cluster of real ovsdb-servers, with members joined by unix sockets. Each member has a folder of its
// own in which it finds the sockets of all, under the same names. The sockets of the others are relays, one for each
// direction, so that a member can be cut off from its peers while its clients still reach it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, removeFolder } from "./atExit.ts";
import { freePort, type OvsdbServer, run, startServer } from "./ovsdbServer.ts";
import { type Relay, startRelay } from "./relay.ts";
import { until } from "./until.ts";

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

export interface ClusterOptions {
  readonly members?: number;
  /** After this long without news from the leader, the others elect one. The server's default is 1000. */
  readonly electionTimerMs?: number;
}

/** A running cluster of three members, or `members`, with an empty database `database` of the schema in `schemaFile`. */
export async function startOvsdbCluster(
  schemaFile: string,
  database: string,
  { members: size = 3, electionTimerMs = 1000 }: ClusterOptions = {},
): Promise<OvsdbCluster> {
  await using stack = new AsyncDisposableStack();
  const folder = await makeFolder("weft-raft-");
  stack.defer(() => removeFolder(folder));
  const members: OvsdbServer[] = [];
  const links: PeerLink[] = [];
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
  const numbers = [...Array(size).keys()];
  for (const member of numbers) await mkdir(home(member));
  for (const from of numbers)
    for (const to of numbers) {
      if (from === to) continue;
      const path = join(home(from), socket(to));
      const relay = stack.use(await startRelay(`unix:${join(home(to), socket(to))}`, { path }));
      links.push({ from, to, relay });
    }
  for (const index of numbers) {
    const file = join(home(index), "db");
    const [own, first] = [`unix:${socket(index)}`, `unix:${socket(0)}`];
    const timer = `--election-timer=${electionTimerMs}`;
    if (index === 0) await run("ovsdb-tool", [timer, "create-cluster", file, schemaFile, own]);
    else await run("ovsdb-tool", ["join-cluster", file, database, own, first]);
    members.push(stack.use(await startServer(home(index), file, await freePort())));
    await settled(index);
  }

  const of = (member: number): PeerLink[] => links.filter(({ from, to }) => from === member || to === member);

  async function leader(): Promise<number> {
    let leading = -1;
    await until(`a member of ${database} leads`, async () => {
      const lead = await Promise.all(members.map((member) => leads(member, database)));
      leading = lead.indexOf(true);
      return leading >= 0;
    });
    return leading;
  }

  const owned = stack.move();
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
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function leads(member: OvsdbServer, database: string): Promise<boolean> {
  if (!member.running) return false;
  const status = await run("ovs-appctl", ["-t", join(member.folder, "ctl"), "cluster/status", database]);
  return /^Role: leader$/m.test(status);
}
