// `weft signer`: from command-line options to a running signer.

import { Command, InvalidArgumentError, Option } from "commander";
import { Registry } from "prom-client";
import { duration } from "../config/duration.ts";
import { ConfigError } from "../config/error.ts";
import { kubeconfigOption, list, logLevelOption, metricsOption } from "../config/options.ts";
import { serveHealth } from "../health/serve.ts";
import { systemClock } from "../kube/clock.ts";
import { type Ip, parseIp } from "../model/ip.ts";
import { signerMetrics } from "../signer/metrics.ts";
import { Signer } from "../signer/signer.ts";
import { kubeClient } from "./connect.ts";
import { jsonLog } from "./log.ts";
import { untilStopped } from "./signals.ts";

interface Flags {
  readonly kubeconfig?: string;
  readonly namespace: string;
  readonly addresses: readonly Ip[];
  readonly life: number;
  readonly authorityLife: number;
  readonly settle: number;
  readonly metricsAddress: string;
  readonly logLevel: string;
}

const day = 86_400_000;

export const signerCommand = (): Command =>
  new Command("signer")
    .description(
      "keep the certificates of OVN's databases, the controllers and the nodes valid, in Secrets that their pods mount",
    )
    .addOption(kubeconfigOption())
    .addOption(new Option("--namespace <namespace>", "namespace of the Secrets").default("kube-system"))
    .addOption(
      new Option("--addresses <list>", "addresses of the databases, for their certificate")
        .default([], "none")
        .argParser((text) => list(text).map(address)),
    )
    .addOption(
      new Option("--life <time>", "how long a certificate is valid; renewed when a third of it is left")
        .default(90 * day, "90d")
        .argParser(duration),
    )
    .addOption(
      new Option("--authority-life <time>", "the same for the authorities; at least three times --life")
        .default(5 * 365 * day, "1825d")
        .argParser(duration),
    )
    .addOption(
      new Option("--settle <time>", "how long it takes until a changed Secret is in use on every node")
        .default(600_000, "10m")
        .argParser(duration),
    )
    .addOption(metricsOption("127.0.0.1:9412"))
    .addOption(logLevelOption())
    .action(async (flags: Flags) => {
      const { life: lifeMs, authorityLife: authorityLifeMs, settle: settleMs } = flags;
      if (authorityLifeMs < 3 * lifeMs)
        throw new ConfigError("--authority-life must be at least three times --life");
      // A renewal of both takes three steps, in the last third of a life.
      if (lifeMs < 12 * settleMs) throw new ConfigError("--life must be at least twelve times --settle");
      const registry = new Registry();
      const { log, levels } = jsonLog(flags.logLevel);
      using client = await kubeClient(flags.kubeconfig, "signer");
      const signer = new Signer({
        ...{ client, lifeMs, authorityLifeMs, settleMs, log },
        namespace: flags.namespace,
        addresses: flags.addresses,
        clock: systemClock,
      });
      signerMetrics(registry, () => signer.ends);
      await untilStopped(async (signal) => {
        await serveHealth(
          { address: flags.metricsAddress, registry, notReady: () => signer.notReady, logLevels: levels },
          signal,
        );
        await signer.run(signal);
      });
    });

function address(text: string): Ip {
  const ip = parseIp(text);
  if (!ip) throw new InvalidArgumentError(`"${text}" is not an address`);
  return ip;
}
