// `weft sandbox …`: a whole cluster on this machine. Each sub-command reads its options, calls one function and prints.
// The files beside this one define what a sandbox is.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { Family } from "../src/model/ip.ts";
import { downSandbox } from "./down.ts";
import type { Datapath } from "./host.ts";
import { requireRoot } from "./install/requirements.ts";
import { baseDirectory, type Settings } from "./layout.ts";
import { openSandbox } from "./sandbox.ts";
import { exitCodeOf, printStatus, statusOf } from "./status.ts";
import { upSandbox } from "./up.ts";

const nameOption = new Option("--name <name>", "which sandbox").default("demo");
const list = (text: string): string[] => text.split(",").map((part) => part.trim());

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Not a number.");
  return Number(text);
}

interface UpFlags {
  readonly name: string;
  readonly nodes: number;
  readonly ipv4?: true;
  readonly ipv6?: true;
  readonly datapath?: Datapath;
  readonly ovn?: string;
  readonly only?: "hosts" | "ovs" | "ovn";
  readonly mode: Settings["mode"];
  readonly addresses?: Settings["addresses"];
  readonly gateway?: Settings["gateway"];
  readonly cloud?: string;
  readonly vlan?: number;
  readonly clusterCidr?: string[];
  readonly serviceCidr?: string[];
}

function upCommand(): Command {
  return new Command("up")
    .description("start a sandbox, or restart what has died in it")
    .addOption(nameOption)
    .addOption(
      new Option("--mode <mode>", "overlay: OVN on the nodes; underlay: nodes are VMs of an OVN cloud")
        .choices(["overlay", "underlay"])
        .default("overlay"),
    )
    .addOption(
      new Option(
        "--addresses <how>",
        "assigned by the controller (default in overlay mode) or pooled on the nodes (always in underlay mode)",
      ).choices(["assigned", "pooled"]),
    )
    .addOption(
      new Option(
        "--gateway <how>",
        "how pods reach the outside: shared (default), or local, through the hosts' routing",
      ).choices(["shared", "local"]),
    )
    .option("--cloud <name>", "be a second tenant in the cloud of that sandbox, with the same addresses")
    .option("--vlan <tag>", "of the physical machines' network in underlay mode", integer)
    .option("--nodes <count>", "how many nodes", integer, 3)
    .option("--ipv4", "IPv4 (both families when neither is given)")
    .option("--ipv6", "IPv6 (both families when neither is given)")
    .option(
      "--cluster-cidr <list>",
      "addresses of pods, such as 10.244.0.0/16, or 10.244.0.0/16/24 with the size of a node's share",
      list,
    )
    .option("--service-cidr <list>", "addresses of Services, one network per family", list)
    .addOption(
      new Option(
        "--datapath <which>",
        "what moves packets: ovs-vswitchd itself, or the kernel's module openvswitch (default: WEFT_DATAPATH, else userspace)",
      ).choices(["userspace", "kernel"]),
    )
    .option(
      "--ovn <which>",
      "host: the machine's own OVN and Open vSwitch; or a folder that has them (default: WEFT_OVN, else the newer of the machine's and that of make setup)",
    )
    .addOption(
      new Option(
        "--only <part>",
        "hosts: no process at all; ovs: the nodes' Open vSwitch alone; ovn: OVN too; neither Kubernetes API nor Weft",
      ).choices(["hosts", "ovs", "ovn"]),
    )
    .action(async (flags: UpFlags) => {
      const families: Family[] = [...(flags.ipv4 ? [4 as const] : []), ...(flags.ipv6 ? [6 as const] : [])];
      const stopping = new AbortController();
      const stop = (): void => stopping.abort(new Error("interrupted; what was started is gone again"));
      process.once("SIGINT", stop).once("SIGTERM", stop);
      await upSandbox({
        name: flags.name,
        mode: flags.mode,
        nodes: flags.nodes,
        ...(flags.addresses !== undefined && { addresses: flags.addresses }),
        ...(flags.gateway !== undefined && { gateway: flags.gateway }),
        ...(flags.cloud !== undefined && { cloud: flags.cloud }),
        ...(flags.vlan !== undefined && { vlan: flags.vlan }),
        ...(families.length > 0 && { families }),
        ...(flags.clusterCidr && { clusterCidrs: flags.clusterCidr }),
        ...(flags.serviceCidr && { serviceCidrs: flags.serviceCidr }),
        ...(flags.datapath !== undefined && { datapath: flags.datapath }),
        ...(flags.ovn !== undefined && { ovn: flags.ovn }),
        ...(flags.only && { parts: flags.only }),
        progress: console.log,
        signal: stopping.signal,
      });
      console.log(`sandbox ${flags.name} is up`);
    });
}

function downCommand(): Command {
  return new Command("down")
    .description("remove a sandbox: processes, namespaces, links, mounts, files")
    .addOption(nameOption)
    .action(async ({ name }: { name: string }) => {
      const { existed, holders } = await downSandbox(name, baseDirectory(process.env));
      console.log(existed ? `sandbox ${name} is gone` : `there is no sandbox ${name}`);
      for (const { pid, command } of holders)
        console.log(
          `process ${pid} (${command}) keeps a network namespace of it alive, without a name; it goes with the process`,
        );
    });
}

function statusCommand(): Command {
  return new Command("status")
    .description("hosts and processes; exit status 0 all run, 1 some do not, 2 no such sandbox")
    .addOption(nameOption)
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .action(({ name, output }: { name: string; output: "text" | "json" }) => {
      const status = statusOf(openSandbox(name));
      console.log(output === "json" ? JSON.stringify(status, undefined, 2) : printStatus(status));
      process.exitCode = exitCodeOf(status);
    });
}

function logsCommand(): Command {
  return new Command("logs")
    .description("what processes have logged; the end of every log when none is named")
    .argument("[process]", "a name that `status` shows, such as n1-vswitchd")
    .addOption(nameOption)
    .option("-f, --follow", "go on printing what comes")
    .action(async (process: string | undefined, { name, follow }: { name: string; follow?: true }) => {
      const { processes } = openSandbox(name);
      const names = process === undefined ? processes.names() : [processes.record(process).name];
      const lines = process === undefined ? ["-n", "10"] : ["-n", "+1"];
      await become(
        ["tail", ...lines, ...(follow ? ["-F"] : []), ...names.map((each) => processes.logFile(each))],
        {},
      );
    });
}

function execCommand(): Command {
  return new Command("exec")
    .description(
      "run a command on a host that `status` shows, where ovs-vsctl, ovn-nbctl … find their database",
    )
    .argument("<host>")
    .argument("<command...>", "after --, so that its options stay its own")
    .addOption(nameOption)
    .passThroughOptions()
    .action(async (hostName: string, command: string[], { name }: { name: string }) => {
      const host = openSandbox(name).host(hostName);
      await become(host.command(command[0] === "--" ? command.slice(1) : command), host.env);
    });
}

/** Runs `argv` in the foreground and exits with its status. */
async function become(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { stdio: "inherit", env: { ...process.env, ...env } });
  // The terminal sends ^C to both. The command decides what to do.
  process.on("SIGINT", () => undefined);
  const [status]: unknown[] = await once(child, "exit");
  process.exitCode = typeof status === "number" ? status : 1;
}

const program = new Command("weft sandbox")
  .description("a whole cluster on this machine: OVN, nodes as network namespaces, a Kubernetes API, pods")
  .exitOverride()
  .enablePositionalOptions()
  .configureHelp({ sortSubcommands: false });
// Its run directory, too, is for root alone.
program.hook("preAction", requireRoot);
for (const command of [upCommand(), downCommand(), statusCommand(), logsCommand(), execCommand()])
  program.addCommand(command.copyInheritedSettings(program));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    console.error(`weft sandbox: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env["WEFT_DEBUG"] && error instanceof Error) console.error(error.stack);
    process.exitCode = 2;
  }
}
