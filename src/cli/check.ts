// `weft check node` and `weft check cluster`: find what stands in Weft's way, before an install and after. Nothing is
// changed. Exit status 0 when nothing is refused, 1 when something is, 2 when that is unknown.

import { hostname } from "node:os";
import { Command, Option } from "commander";
import { clusterFacts } from "../check/clusterFacts.ts";
import { clusterFindings } from "../check/clusterFindings.ts";
import { type CheckReport, reportOf } from "../check/finding.ts";
import { nodeFacts } from "../check/nodeFacts.ts";
import { nodeFindings } from "../check/nodeFindings.ts";
import { printed } from "../check/print.ts";
import { type Role, roles } from "../check/rights.ts";
import { cniConfDirOption, ovnRundirOption, ovsRundirOption, vswitchOption } from "../config/nodeOptions.ts";
import {
  clusterOption,
  joinCidrOption,
  kubeconfigOption,
  leaseNamespaceOption,
  type Mode,
  modeOption,
  northboundOption,
  podCidrOption,
  serviceCidrOption,
  southboundOption,
  wholeNumber,
} from "../config/options.ts";
import { clusterNetwork } from "../config/ranges.ts";
import { caCertOption, certificateOption, privateKeyOption, type TlsFlags, tlsIn } from "../config/tls.ts";
import { run } from "../node/host/run.ts";
import { kubeClient } from "./connect.ts";
import { exitCodes } from "./exit.ts";

interface Flags {
  readonly cluster: string;
  readonly mode: Mode;
  readonly clusterCidr: readonly string[];
  readonly serviceCidr: readonly string[];
  readonly joinCidr: readonly string[];
  readonly timeout: number;
  readonly output: "text" | "json";
}

interface NodeFlags extends Flags {
  readonly southbound?: string;
  readonly vswitch: string;
  readonly ovsRundir: string;
  readonly ovnRundir: string;
  readonly cniConfDir: string;
  readonly central?: true;
}

interface ClusterFlags extends Flags, TlsFlags {
  readonly kubeconfig?: string;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  readonly leaseNamespace: string;
  readonly rightsOf: Role;
}

export const checkCommand = (): Command =>
  new Command("check")
    .description("find what stands in Weft's way, before an install and after; changes nothing")
    .addCommand(nodeCommand())
    .addCommand(clusterCommand());

const common = (command: Command): Command =>
  command
    .addOption(clusterOption())
    .addOption(modeOption())
    .addOption(podCidrOption())
    .addOption(serviceCidrOption())
    .addOption(joinCidrOption())
    .addOption(
      new Option("--timeout <seconds>", "how long each source may take to answer")
        .default(5)
        .argParser(wholeNumber(1, 600)),
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"));

const networkIn = (flags: Flags) =>
  clusterNetwork({ pods: flags.clusterCidr, services: flags.serviceCidr, join: flags.joinCidr });

function nodeCommand(): Command {
  return common(new Command("node"))
    .description(
      "this node: kernel, Open vSwitch, br-ex, ports, MTU, ranges, other plugins, firewalls; run as root",
    )
    .option(
      "--southbound <remotes>",
      "the southbound database that the agent will use; shows whether ovn-controller belongs to another OVN",
    )
    .addOption(vswitchOption())
    .addOption(ovsRundirOption())
    .addOption(ovnRundirOption())
    .addOption(cniConfDirOption())
    .option("--central", "OVN's databases will run on this machine too")
    .action(async (flags: NodeFlags) => {
      const network = networkIn(flags);
      const { cniConfDir: cniConfDirectory, vswitch, ovsRundir, ovnRundir, timeout } = flags;
      const facts = await nodeFacts({
        ...{ run, cniConfDirectory, vswitch, ovsRunDirectory: ovsRundir, ovnRunDirectory: ovnRundir },
        timeoutMs: timeout * 1000,
      });
      const findings = nodeFindings(facts, {
        ...{ mode: flags.mode, network, cluster: flags.cluster, southbound: flags.southbound },
        ...{ central: flags.central ?? false, cniConfDirectory },
      });
      const subject = `node ${hostname()}`;
      print(
        reportOf({ subject, findings, unknown: facts.unknown, whenReady: "weft check cluster" }),
        flags.output,
      );
    });
}

function clusterCommand(): Command {
  return common(new Command("cluster"))
    .description("the API server and OVN's databases: rights, versions, other plugins, kube-proxy, ranges")
    .addOption(kubeconfigOption())
    .addOption(northboundOption())
    .addOption(southboundOption())
    .addOption(caCertOption())
    .addOption(certificateOption())
    .addOption(privateKeyOption())
    .addOption(leaseNamespaceOption())
    .addOption(
      new Option("--rights-of <role>", "whose rights the identity of the kubeconfig is to have")
        .choices(roles)
        .default("controller"),
    )
    .action(async (flags: ClusterFlags) => {
      const network = networkIn(flags);
      const facts = await clusterFacts({
        kubernetes: () => kubeClient(flags.kubeconfig, "check"),
        role: flags.rightsOf,
        cluster: flags.cluster,
        leaseNamespace: flags.leaseNamespace,
        northbound: flags.northbound,
        southbound: flags.southbound,
        tls: tlsIn(flags, [...flags.northbound, ...flags.southbound]),
        timeoutMs: flags.timeout * 1000,
      });
      const findings = clusterFindings(facts, { network, cluster: flags.cluster, mode: flags.mode });
      const subject = `cluster ${flags.cluster}`;
      print(reportOf({ subject, findings, unknown: facts.unknown, whenReady: "weft status" }), flags.output);
    });
}

function print(report: CheckReport, output: Flags["output"]): void {
  console.log(output === "json" ? JSON.stringify(report, undefined, 2) : printed(report));
  process.exitCode = { ready: exitCodes.yes, "not ready": exitCodes.no, "cannot tell": exitCodes.cannotTell }[
    report.verdict
  ];
}
