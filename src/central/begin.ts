// Before a server starts: brings about the database that it serves, and its configuration.

import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import type { TlsOptions } from "../ovsdb/index.ts";
import { type Answer, beginningOf } from "./beginning.ts";
import { begin, diskOf, type FileOptions } from "./databaseFile.ts";
import { hostOf, type Member, peersOf, places } from "./members.ts";
import { answerOf } from "./peers.ts";

export interface BeginOptions extends FileOptions {
  readonly clustered: boolean;
  /** Of the servers' sockets. The configuration goes there, as northbound.json and southbound.json. */
  readonly runFolder: string;
  /** To ask the other members; undefined where there are none. */
  readonly tls: TlsOptions | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const againMs = 1000;
/** Longer than the longest recompute of an ovn-controller, during which it answers no probe. */
const probeMs = 180_000;

/** Resolves when there is a file to serve. Rejects when only an operator can tell what is right. */
export async function beginDatabase(options: BeginOptions, signal: AbortSignal): Promise<void> {
  const { name, place, clustered, tls, clock, log } = options;
  let waited = "";
  for (;;) {
    signal.throwIfAborted();
    const disk = await diskOf(options);
    const answers = new Map<Member, Answer>();
    if (disk.kind === "nothing" && tls)
      await Promise.all(
        peersOf(place).map(async (peer) => answers.set(peer, await answerOf(peer, name, tls, signal))),
      );
    const beginning = beginningOf({ name, place, clustered, disk, answers });
    if (beginning.kind !== "wait") {
      log("info", `database ${name}: ${beginning.kind}`, { disk: disk.kind });
      await begin(beginning, options);
      return writeConfiguration(options);
    }
    if (beginning.why !== waited) log("info", `database ${name} cannot start yet: ${beginning.why}`, {});
    waited = beginning.why;
    await pause(clock, againMs, signal);
  }
}

/** For ovsdb-server(1), --config-file: where it listens, and what it serves. */
async function writeConfiguration({ name, place, folder, runFolder }: BeginOptions): Promise<void> {
  const { port, socket, file } = places[name];
  const listener = `pssl:${port}:${hostOf(place.own)}`;
  const configuration = {
    remotes: {
      [listener]: { "inactivity-probe": probeMs },
      [`punix:${join(runFolder, socket)}`]: {},
    },
    databases: { [join(folder, file)]: {} },
  };
  const path = join(runFolder, `${name}.json`);
  await writeFile(`${path}.new`, JSON.stringify(configuration));
  await rename(`${path}.new`, path);
}
