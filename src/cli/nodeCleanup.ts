// `weft node cleanup`: removes Weft from a node. Exit status 0 when the node is clean (or the dry run has been
// printed), 2 when the removal was refused.

import { Command } from "commander";
import { agentDefaults } from "../config/agent.ts";
import {
  cniBinDirOption,
  cniConfDirOption,
  nodeNameOption,
  ovnRundirOption,
  ovsRundirOption,
  vswitchOption,
} from "../config/nodeOptions.ts";
import { clusterOption } from "../config/options.ts";
import { rowUuid } from "../model/uuid.ts";
import { clean, hasBridgeFlows, traceTexts } from "../node/cleanup/cleanup.ts";
import { tracesOn } from "../node/cleanup/traces.ts";
import { run } from "../node/host/run.ts";
import { soleAgent } from "../node/host/sole.ts";
import { absence, controlSocket, unixctl } from "../node/ovs/unixctl.ts";
import { requireRoot, withVswitch } from "./nodeSession.ts";

interface Flags {
  readonly node: string;
  readonly cluster: string;
  readonly vswitch: string;
  readonly ovsRundir: string;
  readonly ovnRundir: string;
  readonly cniSocket: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly cniPlugin: string;
  readonly dryRun?: true;
}

export const nodeCleanupCommand = (): Command =>
  new Command("cleanup")
    .description(
      "remove Weft from this node: files, ports, flows, identifiers, rules; drain it and stop agent and ovn-controller first",
    )
    .addOption(nodeNameOption())
    .addOption(clusterOption())
    .addOption(vswitchOption())
    .addOption(ovsRundirOption())
    .addOption(ovnRundirOption())
    .option("--cni-socket <path>", "socket of the agent", agentDefaults.cniSocket)
    .addOption(cniConfDirOption())
    .addOption(cniBinDirOption())
    .option("--cni-plugin <name>", "the plugin's name there", "weft-cni")
    .option("--dry-run", "say what would be removed, but remove nothing")
    .action(async (flags: Flags) => {
      requireRoot("weft node cleanup");
      await using _sole = flags.dryRun ? undefined : await noAgent(flags.cniSocket);
      if (!flags.dryRun) await noController(flags.ovnRundir);
      await withVswitch(flags.vswitch, async (db, writer) => {
        const node = { db, writer, run, ovsRunDirectory: flags.ovsRundir };
        const question = {
          ...{ db, run, cluster: flags.cluster, cniPlugin: flags.cniPlugin, cniSocket: flags.cniSocket },
          chassisId: rowUuid(flags.cluster, "Chassis", flags.node),
          ...{ cniConfDirectory: flags.cniConfDir, cniBinDirectory: flags.cniBinDir },
        };
        const traces = await tracesOn(question, () => hasBridgeFlows(node));
        const texts = traceTexts(traces);
        if (!flags.dryRun) await clean(node, traces);
        console.log(report(texts, flags));
      });
    });

function report(texts: readonly string[], { node, cluster, dryRun }: Flags): string {
  const next = dryRun
    ? ["weft", ...process.argv.slice(2).filter((word) => word !== "--dry-run")].join(" ")
    : "weft node uplink --undo, if Weft has set up br-ex";
  if (texts.length === 0) return `nothing of cluster ${cluster} is on node ${node}`;
  return [
    `${dryRun ? "would remove" : "removed"} ${texts.length} things from node ${node}:`,
    ...texts,
    `next: ${next}`,
  ].join("\n");
}

/** Holds the agent's lock, so that none starts meanwhile. */
const noAgent = (socket: string) => soleAgent(`${socket}.lock`);

/** A running ovn-controller would create br-int again. */
async function noController(ovnRunDirectory: string): Promise<void> {
  try {
    await unixctl(await controlSocket(ovnRunDirectory, "ovn-controller"), "version");
  } catch (error) {
    if (absence(error) !== undefined) return;
    throw error;
  }
  throw new Error(
    `ovn-controller runs on this node, and would recreate everything: stop it, so that it removes its chassis (systemctl stop ovn-host, or ovn-appctl -t ovn-controller exit). Nothing has been removed`,
  );
}
