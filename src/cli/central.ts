// `weft central`: what is done for OVN's databases on a node that has them, before their servers start and while they run.

import { Command, InvalidArgumentError, Option } from "commander";
import { Registry } from "prom-client";
import { beginDatabase } from "../central/begin.ts";
import { Keeper } from "../central/keeper.ts";
import {
  type DatabaseName,
  databaseNames,
  type Member,
  type OwnPlace,
  peersOf,
  places,
  remoteOf,
} from "../central/members.ts";
import { keeperMetrics } from "../central/metrics.ts";
import { ConfigError } from "../config/error.ts";
import { list, logLevelOption, metricsOption } from "../config/options.ts";
import { caCertOption, certificateOption, privateKeyOption, type TlsFlags, tlsIn } from "../config/tls.ts";
import { serveHealth } from "../health/serve.ts";
import { systemClock } from "../kube/clock.ts";
import { parseIp } from "../model/ip.ts";
import { jsonLog } from "./log.ts";
import { untilStopped } from "./signals.ts";

interface Flags {
  readonly node: string;
  readonly ovnRundir: string;
  readonly members: readonly Member[];
  readonly schemas: string;
  readonly logLevel: string;
}

interface BeginFlags extends Flags, TlsFlags {
  readonly database: DatabaseName;
  readonly clustered?: true;
  readonly folder: string;
}

interface KeepFlags extends Flags {
  readonly metricsAddress: string;
}

export const centralCommand = (): Command =>
  new Command("central")
    .description(
      "OVN's databases on this node: start them, standalone or as a RAFT cluster, and look after them",
    )
    .addCommand(beginCommand())
    .addCommand(keepCommand());

const common = (name: string): Command =>
  new Command(name)
    .addOption(new Option("--node <name>", "this node's name").env("NODE_NAME").makeOptionMandatory())
    .addOption(
      new Option("--members <list>", "the nodes that hold the databases, one or three: NODE=ADDRESS,…")
        .env("MEMBERS")
        .makeOptionMandatory()
        .argParser((text) => list(text).map(member)),
    )
    .option("--ovn-rundir <folder>", "where the servers have their sockets", "/run/ovn")
    .option("--schemas <folder>", "where OVN's schemas are", "/usr/share/ovn")
    .addOption(logLevelOption());

const beginCommand = (): Command =>
  common("begin")
    .description(
      "before a server starts: write its configuration, and make its database (standalone, of a new cluster, or joining one)",
    )
    .addOption(
      new Option("--database <name>", "which of the two").choices(databaseNames).makeOptionMandatory(),
    )
    .addOption(new Option("--clustered", "make a RAFT cluster, even with a single member").env("CLUSTERED"))
    .option("--folder <folder>", "where the databases are", "/var/lib/ovn")
    .addOption(caCertOption())
    .addOption(certificateOption())
    .addOption(privateKeyOption())
    .action(async (flags: BeginFlags) => {
      const { database: name, folder, schemas, ovnRundir: runFolder } = flags;
      const place = placeIn(flags);
      const { log } = jsonLog(flags.logLevel);
      const peers = peersOf(place).map((peer) => remoteOf(peer, places[name].port));
      const tls = peers.length > 0 ? tlsIn(flags, peers) : undefined;
      const clustered = flags.clustered ?? place.members.length > 1;
      await untilStopped(async (signal) => {
        const options = { name, place, folder, runFolder, schemas, clustered, tls, log, clock: systemClock };
        await beginDatabase(options, signal);
      });
    });

const keepCommand = (): Command =>
  common("keep")
    .description("look after the two databases while their servers run")
    .addOption(metricsOption("127.0.0.1:9413"))
    .action(async (flags: KeepFlags) => {
      const { log, levels } = jsonLog(flags.logLevel);
      const registry = new Registry();
      const { ovnRundir: runFolder, schemas } = flags;
      await using keeper = new Keeper({ place: placeIn(flags), runFolder, schemas, clock: systemClock, log });
      keeperMetrics(registry, () => keeper.states);
      await untilStopped(async (signal) => {
        await serveHealth(
          { address: flags.metricsAddress, registry, notReady: () => keeper.notReady, logLevels: levels },
          signal,
        );
        await keeper.run(signal);
      });
    });

function member(text: string): Member {
  const [node = "", address = "", ...more] = text.split("=");
  const ip = parseIp(address);
  if (node === "" || !ip || more.length > 0)
    throw new InvalidArgumentError(`"${text}" is not a member: write NODE=ADDRESS`);
  return { node, address: ip };
}

function placeIn({ node, members }: Flags): OwnPlace {
  if (members.length !== 1 && members.length !== 3)
    throw new ConfigError(`--members names ${members.length}: the databases are on one node or on three`);
  if (new Set(members.map((each) => each.node)).size < members.length)
    throw new ConfigError("--members names a node twice");
  const own = members.find((each) => each.node === node);
  if (!own) throw new ConfigError(`--members does not name this node, ${node}`);
  return { own, members };
}
