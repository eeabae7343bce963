// `weft teardown`: removes a cluster from a northbound database, or says what would be removed. Exit status 0 when
// nothing of the cluster is left (or, in a dry run, would be left), 1 when something stays, 2 when it could not be
// tried.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Command, Option } from "commander";
import { clusterId, northboundOption, wholeNumber } from "../config/options.ts";
import { caCertOption, certificateOption, privateKeyOption, type TlsFlags, tlsIn } from "../config/tls.ts";
import { zone } from "../controller/controllerOptions.ts";
import { type TornDown, teardown } from "../controller/teardown.ts";
import { silent, systemClock } from "../kube/clock.ts";
import { Session } from "../ovsdb/index.ts";
import { exitCodes } from "./exit.ts";
import { unanswered } from "./unanswered.ts";

interface Flags extends TlsFlags {
  readonly cluster: string;
  readonly northbound: readonly string[];
  readonly timeout: number;
  readonly output: "text" | "json";
  readonly dryRun?: boolean;
}

export function teardownCommand(): Command {
  return new Command("teardown")
    .description("delete everything a cluster has in the northbound database; stop its controllers first")
    .addOption(
      new Option("--cluster <id>", "which cluster; there is no default")
        .makeOptionMandatory()
        .argParser(clusterId),
    )
    .addOption(northboundOption())
    .addOption(caCertOption())
    .addOption(certificateOption())
    .addOption(privateKeyOption())
    .addOption(
      new Option("--timeout <seconds>", "how long it may take")
        .default(300)
        .argParser(wholeNumber(1, 86_400)),
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .option("--dry-run", "print what would be deleted, but delete nothing")
    .action(async (flags: Flags) => {
      const { cluster, dryRun = false } = flags;
      const signal = AbortSignal.timeout(flags.timeout * 1000);
      const tls = tlsIn(flags, flags.northbound);
      await using session = new Session({
        remotes: flags.northbound,
        database: "OVN_Northbound",
        ...(tls && { tls }),
      });
      session.start();
      await session.connected(signal).catch((cause: unknown) => {
        throw new Error(unanswered(flags.northbound, session), { cause });
      });
      const identity = { cluster, zone, session, holder: `teardown ${hostname()} ${randomUUID()}` };
      const tearing = teardown({ ...identity, clock: systemClock, log: silent }, dryRun, signal);
      const done = await tearing.catch((cause: unknown) => {
        if (!signal.aborted) throw cause;
        const late = `the teardown of cluster ${cluster} has not ended within ${flags.timeout} s`;
        throw new Error(`${late}: run it again, with a longer --timeout`, { cause });
      });
      console.log(flags.output === "json" ? json(flags, done) : text(flags, done));
      process.exitCode = done.problems.length > 0 ? exitCodes.no : exitCodes.yes;
    });
}

function text({ cluster, dryRun }: Flags, { rows, operations, problems }: TornDown): string {
  const all = [...rows.values()].reduce((sum, count) => sum + count, 0);
  const tables = [...rows].map(([table, count]) => `${count} ${table}`).join(", ");
  const did = dryRun ? "would delete" : "deleted";
  return [
    all === 0
      ? `nothing of cluster ${cluster} is there`
      : `${did} ${all} rows of cluster ${cluster}: ${tables}`,
    ...problems.map((problem) => `stays: ${problem}`),
    ...(dryRun && operations !== "" ? [operations] : []),
    ...(dryRun && all > 0 ? [`next: ${inEarnest()}`] : []),
  ].join("\n");
}

/** The same command without `--dry-run`. */
const inEarnest = (): string =>
  ["weft", ...process.argv.slice(2).filter((word) => word !== "--dry-run")].join(" ");

const json = ({ cluster, dryRun = false }: Flags, { rows, operations, problems }: TornDown): string =>
  JSON.stringify(
    {
      cluster,
      dryRun,
      rows: Object.fromEntries(rows),
      problems,
      ...(dryRun && { operations: operations.split("\n").filter((line) => line !== "") }),
    },
    undefined,
    2,
  );
