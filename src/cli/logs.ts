// `weft logs policy`: the packets that policies have dropped or allowed on this node, from ovn-controller's log, with the
// names of pods and policies. Exit status 0, also when there are none; 2 when the log cannot be read.

import { join } from "node:path";
import { Command, Option } from "commander";
import { kubeconfigOption, wholeNumber } from "../config/options.ts";
import { kubeClient } from "./connect.ts";
import { linesOf } from "./logs/lines.ts";
import { loggedPacketIn } from "./logs/packet.ts";
import { originOf } from "./logs/policyNames.ts";
import { type PolicyPacket, packetLine } from "./logs/print.ts";
import { WhoHas } from "./logs/whoHas.ts";
import { untilStopped } from "./signals.ts";

interface Flags {
  readonly kubeconfig?: string;
  readonly file: string;
  readonly follow?: true;
  readonly namespace?: string;
  readonly output: "text" | "json";
  readonly timeout: number;
}

const defaultFile = join(process.env["OVN_LOGDIR"] ?? "/var/log/ovn", "ovn-controller.log");

export const logsCommand = (): Command =>
  new Command("logs").description("show what OVN has logged on this node").addCommand(
    new Command("policy")
      .description(
        "the packets that policies have dropped or allowed here, where the annotation k8s.ovn.org/acl-logging of a namespace or of a policy of the cluster asks for it",
      )
      .option("--file <path>", "the log of this node's ovn-controller; - reads standard input", defaultFile)
      .option("-f, --follow", "keep printing what is logged from now on")
      .option("-n, --namespace <name>", "only policies of this namespace")
      .addOption(
        new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"),
      )
      .addOption(kubeconfigOption())
      .addOption(
        new Option("--timeout <seconds>", "how long the API server may take to name pods and policies")
          .default(5)
          .argParser(wholeNumber(1, 600)),
      )
      .action((flags: Flags) => untilStopped((signal) => printPackets(flags, signal))),
  );

async function printPackets(flags: Flags, signal: AbortSignal): Promise<void> {
  const who = new WhoHas(() => kubeClient(flags.kubeconfig, "logs"), flags.timeout * 1000);
  let told: string | undefined;
  for await (const line of linesOf(flags.file, { follow: flags.follow ?? false, signal })) {
    const packet = loggedPacketIn(line);
    if (!packet) continue;
    await who.learn(packet.from.address, packet.to.address);
    if (who.failure !== undefined && who.failure !== told) {
      told = who.failure;
      console.error(`weft: pods are shown by address instead of name: ${told}`);
    }
    const policy = originOf(packet.acl, who.policies);
    if (!policy || (flags.namespace !== undefined && policy.namespace !== flags.namespace)) continue;
    const { time, verdict, severity, protocol } = packet;
    const [from, to] = [packet.from, packet.to].map((end) => ({ ...end, name: who.nameOf(end.address) }));
    if (!from || !to) continue;
    const named: PolicyPacket = { time, verdict, severity, protocol, from, to, policy };
    console.log(flags.output === "json" ? JSON.stringify(named) : packetLine(named));
  }
}
