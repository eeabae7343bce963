// `weft controller`: from command-line options to a running controller.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Command, Option } from "commander";
import { Registry } from "prom-client";
import { ConfigError } from "../config/error.ts";
import {
  type Addresses,
  addressesIn,
  addressesOption,
  clusterOption,
  directCidrOption,
  directCidrsIn,
  joinCidrOption,
  kubeconfigOption,
  leaseNamespaceOption,
  list,
  logLevelOption,
  type Mode,
  metricsOption,
  modeOption,
  northboundOption,
  podCidrOption,
  serviceCidrOption,
  southboundOption,
  wholeNumber,
} from "../config/options.ts";
import { type Marks, parseMarks } from "../config/poolMarks.ts";
import { clusterNetwork } from "../config/ranges.ts";
import { caCertOption, certificateOption, privateKeyOption, type TlsFlags, tlsIn } from "../config/tls.ts";
import { Controller } from "../controller/controller.ts";
import type { ControllerOptions } from "../controller/controllerOptions.ts";
import { dryRun } from "../controller/dryRun.ts";
import { serveHealth } from "../health/serve.ts";
import { silent } from "../kube/clock.ts";
import { type Cidr, parseCidr } from "../model/ip.ts";
import { kubeClient } from "./connect.ts";
import { jsonLog } from "./log.ts";
import { untilStopped } from "./signals.ts";

interface Flags extends TlsFlags {
  readonly cluster: string;
  readonly kubeconfig?: string;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  readonly clusterCidr: readonly string[];
  readonly serviceCidr: readonly string[];
  readonly joinCidr: readonly string[];
  readonly directCidr: readonly string[];
  readonly externalIps: readonly string[];
  readonly mode: Mode;
  readonly cloudRouter?: string;
  readonly addresses?: Addresses;
  readonly pool?: Marks;
  readonly leaseNamespace: string;
  readonly pruneLimit: number;
  readonly metricsAddress: string;
  readonly logLevel: string;
  readonly dryRun?: true;
}

export function controllerCommand(): Command {
  return new Command("controller")
    .description(
      "plan the cluster's network and keep the northbound database equal to the plan; run several, one of them leads",
    )
    .addOption(clusterOption())
    .addOption(kubeconfigOption())
    .addOption(northboundOption())
    .addOption(southboundOption())
    .addOption(caCertOption())
    .addOption(certificateOption())
    .addOption(privateKeyOption())
    .addOption(podCidrOption())
    .addOption(serviceCidrOption())
    .addOption(joinCidrOption())
    .addOption(directCidrOption())
    .option(
      "--external-ips <list>",
      "ranges from which Services may take spec.externalIPs; none by default",
      list,
      [],
    )
    .addOption(modeOption())
    .option(
      "--cloud-router <name>",
      "underlay mode: the router of the tenant that owns the nodes' virtual machines",
    )
    .addOption(addressesOption())
    .addOption(
      new Option(
        "--pool <low,high>",
        "how many unused ready ports of each kind a node keeps; by default this follows from what it can run",
      ).argParser(parseMarks),
    )
    .addOption(leaseNamespaceOption())
    .addOption(
      new Option(
        "--prune-limit <percent>",
        "largest share of all rows to delete while it is unknown whether their objects are gone; more wait for SIGUSR2",
      )
        .default(30)
        .argParser(wholeNumber(0, 100)),
    )
    .addOption(metricsOption("127.0.0.1:9411"))
    .addOption(logLevelOption())
    .option("--dry-run", "print the operations that would be sent now, but send nothing")
    .action(async (flags: Flags) => {
      const { log, levels } = jsonLog(flags.logLevel);
      const registry = new Registry();
      const network = clusterNetwork({
        pods: flags.clusterCidr,
        services: flags.serviceCidr,
        join: flags.joinCidr,
        direct: directCidrsIn(flags),
      });
      using client = await kubeClient(flags.kubeconfig, "controller");
      const options: ControllerOptions = {
        cluster: flags.cluster,
        network,
        externalIps: externalIpsIn(flags),
        cloudRouter: cloudRouterIn(flags),
        pools:
          addressesIn(flags) === "pooled"
            ? { isNested: flags.mode === "underlay", marks: flags.pool, random: Math.random }
            : undefined,
        client,
        northbound: flags.northbound,
        southbound: flags.southbound,
        tls: tlsIn(flags, [...flags.northbound, ...flags.southbound]),
        identity: `${hostname()}_${randomUUID()}`,
        leaseNamespace: flags.leaseNamespace,
        pruneShare: flags.pruneLimit / 100,
        registry,
        log: flags.dryRun ? silent : log,
      };
      await untilStopped(async (signal) => {
        if (flags.dryRun) return printDryRun(options, signal);
        const controller = new Controller(options);
        process.on("SIGUSR2", () => controller.approvePrune());
        await serveHealth(
          {
            address: flags.metricsAddress,
            registry,
            notReady: () => controller.notReady,
            logLevels: levels,
          },
          signal,
        );
        await controller.run(signal);
      });
    });
}

function externalIpsIn({ externalIps }: Flags): readonly Cidr[] {
  return externalIps.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr) throw new ConfigError(`--external-ips: "${text}" is not a range: write 192.0.2.0/24`);
    return cidr;
  });
}

function cloudRouterIn({ mode, cloudRouter }: Flags): string | undefined {
  if (mode === "underlay" && cloudRouter === undefined)
    throw new ConfigError("--mode underlay needs --cloud-router, the name of the tenant's router");
  if (mode === "overlay" && cloudRouter !== undefined)
    throw new ConfigError(
      "--cloud-router is for --mode underlay only; in overlay mode Weft has its own router",
    );
  return cloudRouter;
}

async function printDryRun(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { operations, notes } = await dryRun(options, signal);
  console.log(operations === "" ? "nothing to do" : operations);
  for (const note of notes) console.error(`note: ${note}`);
}
