// `weft status`: asks, judges, prints. Exit status 0 healthy, 1 not, 2 cannot tell.

import { Command, Option } from "commander";
import {
  clusterOption,
  kubeconfigOption,
  leaseNamespaceOption,
  northboundOption,
  southboundOption,
  wholeNumber,
} from "../config/options.ts";
import { caCertOption, certificateOption, privateKeyOption, type TlsFlags, tlsIn } from "../config/tls.ts";
import { controllersLease } from "../model/names.ts";
import { kubeClient } from "./connect.ts";
import { exitCodes } from "./exit.ts";
import { gather } from "./status/gather.ts";
import { judge } from "./status/judge.ts";
import { printed } from "./status/print.ts";

interface Flags extends TlsFlags {
  readonly cluster: string;
  readonly kubeconfig?: string;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  readonly leaseNamespace: string;
  readonly timeout: number;
  readonly output: "text" | "json";
  readonly probe?: true;
}

export function statusCommand(): Command {
  return new Command("status")
    .description(
      "show health in one sentence, then nodes, waiting pods and why they wait, lag; exit 0 healthy, 1 not, 2 unknown",
    )
    .addOption(clusterOption())
    .addOption(kubeconfigOption())
    .addOption(northboundOption())
    .addOption(southboundOption())
    .addOption(caCertOption())
    .addOption(certificateOption())
    .addOption(privateKeyOption())
    .addOption(leaseNamespaceOption())
    .addOption(
      new Option("--timeout <seconds>", "how long each source may take to answer")
        .default(5)
        .argParser(wholeNumber(1, 600)),
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .option(
      "--probe",
      "measure how long a change takes to reach all nodes; this writes a new generation to the northbound database",
    )
    .action(async (flags: Flags) => {
      const report = judge(
        await gather({
          cluster: flags.cluster,
          kubernetes: () => kubeClient(flags.kubeconfig, "status"),
          northbound: flags.northbound,
          southbound: flags.southbound,
          tls: tlsIn(flags, [...flags.northbound, ...flags.southbound]),
          lease: { namespace: flags.leaseNamespace, name: controllersLease(flags.cluster) },
          timeoutMs: flags.timeout * 1000,
          probe: flags.probe ?? false,
        }),
      );
      console.log(flags.output === "json" ? JSON.stringify(report, undefined, 2) : printed(report));
      process.exitCode = { healthy: exitCodes.yes, unhealthy: exitCodes.no, unknown: exitCodes.cannotTell }[
        report.health
      ];
    });
}
