// `weft backup` and `weft restore`: the northbound database to one file, and back. Exit status 0 done, 2 refused or not possible.

import { randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { Command, Option } from "commander";
import { backup, restore } from "../backup/backup.ts";
import type { Difference } from "../backup/difference.ts";
import { headerOf } from "../backup/file.ts";
import { clusterOption, northboundOption, wholeNumber } from "../config/options.ts";
import { caCertOption, certificateOption, privateKeyOption, type TlsFlags, tlsIn } from "../config/tls.ts";
import { Session, serverDatabase } from "../ovsdb/index.ts";
import { cannotRead, cannotWrite } from "./files.ts";
import { unanswered } from "./unanswered.ts";

interface Flags extends TlsFlags {
  readonly cluster: string;
  readonly northbound: readonly string[];
  readonly timeout: number;
}

const common = (command: Command): Command =>
  command
    .argument("<file>", "the backup")
    .addOption(clusterOption())
    .addOption(northboundOption())
    .addOption(caCertOption())
    .addOption(certificateOption())
    .addOption(privateKeyOption())
    .addOption(
      new Option("--timeout <seconds>", "how long it may take")
        .default(300)
        .argParser(wholeNumber(1, 86_400)),
    );

export const backupCommand = (): Command =>
  common(new Command("backup"))
    .description("write the northbound database to one file, while everything runs")
    .action(async (file: string, flags: Flags) => {
      const signal = AbortSignal.timeout(flags.timeout * 1000);
      const about = {
        cluster: flags.cluster,
        raftCluster: await raftClusterOf(flags, signal),
        time: new Date().toISOString(),
      };
      await using session = await opened(flags, "OVN_Northbound", signal);
      const text = await backup(session, about, signal);
      // The file appears complete or not at all.
      const write = async (): Promise<void> => {
        await writeFile(`${file}.new`, text, { mode: 0o600 });
        await rename(`${file}.new`, file);
      };
      await write().catch(cannotWrite({ what: "the backup", file, next: "name another file" }));
      const { rows, schemaVersion } = headerOf(text);
      console.log(
        `${file}: ${rows} rows of cluster ${flags.cluster}, schema ${schemaVersion}\nnext: weft restore ${file} --dry-run`,
      );
    });

interface RestoreFlags extends Flags {
  readonly dryRun?: true;
}

export const restoreCommand = (): Command =>
  common(new Command("restore"))
    .description("restore the northbound database from a backup; stop the controllers first")
    .option("--dry-run", "say what would change, but change nothing")
    .action(async (file: string, flags: RestoreFlags) => {
      const signal = AbortSignal.timeout(flags.timeout * 1000);
      const next = "name a file that weft backup has written";
      const text = await readFile(file, "utf8").catch(cannotRead({ what: "the backup", file, next }));
      await using session = await opened(flags, "OVN_Northbound", signal);
      const dryRun = flags.dryRun ?? false;
      const holder = `restore ${hostname()} ${randomUUID()}`;
      const found = await restore({ session, cluster: flags.cluster, text, holder, dryRun }, signal);
      console.log(restoredText(headerOf(text).time, found, dryRun));
    });

function restoredText(time: string, { inserted, updated, deleted }: Difference, dryRun: boolean): string {
  const counts = `${inserted.length} rows added, ${updated.length} changed, ${deleted.length} removed`;
  const state = `the state of ${time}`;
  return dryRun
    ? `would restore ${state}: ${counts}\nnext: stop the controllers, then: ${["weft", ...process.argv.slice(2).filter((word) => word !== "--dry-run")].join(" ")}`
    : `restored ${state}: ${counts}\nnext: start the controllers; they apply what has changed since then`;
}

async function opened(flags: Flags, database: string, signal: AbortSignal): Promise<Session> {
  const tls = tlsIn(flags, flags.northbound);
  const session = new Session({ remotes: flags.northbound, database, ...(tls && { tls }) });
  session.start();
  await session.connected(signal).catch(async (cause: unknown) => {
    await session[Symbol.asyncDispose]();
    throw new Error(unanswered(flags.northbound, session), { cause });
  });
  return session;
}

/** Undefined for a standalone database. */
async function raftClusterOf(flags: Flags, signal: AbortSignal): Promise<string | undefined> {
  await using session = await opened(flags, "_Server", signal);
  const rows = await session.select(serverDatabase, "Database", [], { signal });
  return rows.find(({ name }) => name === "OVN_Northbound")?.cid;
}
