// `weft agent`: from command-line options to a running agent.

import { join } from "node:path";
import { Command, Option } from "commander";
import { Registry } from "prom-client";
import { type AgentOptions, agentDefaults } from "../config/agent.ts";
import { ConfigError } from "../config/error.ts";
import {
  cniBinDirOption,
  cniConfDirOption,
  nodeNameOption,
  ovnRundirOption,
  ovsRundirOption,
  vswitchOption,
} from "../config/nodeOptions.ts";
import {
  type Addresses,
  addressesIn,
  addressesOption,
  clusterOption,
  directCidrOption,
  directCidrsIn,
  type Gateway,
  gatewayIn,
  gatewayOption,
  joinCidrOption,
  kubeconfigOption,
  leaseNamespaceOption,
  logLevelOption,
  type Mode,
  metricsOption,
  modeOption,
  podCidrOption,
  serviceCidrOption,
  wholeNumber,
} from "../config/options.ts";
import { clusterNetwork } from "../config/ranges.ts";
import { runAgent } from "../node/agent.ts";
import { jsonLog } from "./log.ts";
import { untilStopped } from "./signals.ts";

interface Flags {
  readonly node: string;
  readonly cluster: string;
  readonly kubeconfig?: string;
  readonly mode: Mode;
  readonly addresses?: Addresses;
  readonly rest: number;
  readonly southbound?: string;
  readonly encapIp?: string;
  readonly gateway: Gateway;
  readonly clusterCidr: readonly string[];
  readonly serviceCidr: readonly string[];
  readonly joinCidr: readonly string[];
  readonly directCidr: readonly string[];
  readonly vswitch: string;
  readonly ovsRundir: string;
  readonly ovnRundir: string;
  readonly cniSocket: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly cniPlugin: string;
  readonly cniLimit: number;
  readonly leaseNamespace: string;
  readonly heartbeat: number;
  readonly metricsAddress: string;
  readonly logLevel: string;
}

const builtPlugin = join(import.meta.dirname, "../../build/weft-cni");

export function agentCommand(): Command {
  return new Command("agent")
    .description("on each node: set up Open vSwitch, serve the CNI plugin, wire pods")
    .addOption(nodeNameOption())
    .addOption(clusterOption())
    .addOption(kubeconfigOption())
    .addOption(modeOption())
    .addOption(addressesOption())
    .addOption(
      new Option("--rest <seconds>", "how long a pool's address rests after its pod is gone")
        .default(agentDefaults.restMs / 1000)
        .argParser(wholeNumber(0, 3600)),
    )
    .option(
      "--southbound <remotes>",
      "overlay mode: the southbound database as ovn-controller reaches it, for example tcp:172.30.0.2:6642",
    )
    .option(
      "--encap-ip <address>",
      "address where this node's tunnels end; by default its first address on br-ex",
    )
    .addOption(gatewayOption())
    .addOption(podCidrOption())
    .addOption(serviceCidrOption())
    .addOption(joinCidrOption())
    .addOption(directCidrOption())
    .addOption(vswitchOption())
    .addOption(ovsRundirOption())
    .addOption(ovnRundirOption())
    .option("--cni-socket <path>", "socket on which the plugin reaches this agent", agentDefaults.cniSocket)
    .addOption(cniConfDirOption())
    .addOption(cniBinDirOption())
    .addOption(
      new Option("--cni-plugin <file>", "the plugin executable to install there").default(
        builtPlugin,
        "build/weft-cni of this checkout",
      ),
    )
    .addOption(
      new Option("--cni-limit <seconds>", "how long an ADD may wait before the runtime is told to try again")
        .default(agentDefaults.cniLimitMs / 1000)
        .argParser(wholeNumber(1, 105)),
    )
    .addOption(leaseNamespaceOption())
    .addOption(
      new Option(
        "--heartbeat <seconds>",
        "how often the agent renews its Lease; the controller considers it dead after three times as long",
      )
        .default(agentDefaults.heartbeatMs / 1000)
        .argParser(wholeNumber(1, 3600)),
    )
    .addOption(metricsOption(agentDefaults.healthAddress))
    .addOption(logLevelOption())
    .action(async (flags: Flags) => {
      if (process.getuid?.() !== 0)
        throw new ConfigError(
          "weft agent must run as root: it changes the node's network, Open vSwitch and pods' namespaces",
        );
      const registry = new Registry();
      const { log, levels } = jsonLog(flags.logLevel);
      const network = clusterNetwork({
        pods: flags.clusterCidr,
        services: flags.serviceCidr,
        join: flags.joinCidr,
        direct: directCidrsIn(flags),
      });
      await untilStopped((signal) =>
        runAgent(
          {
            nodeName: flags.node,
            clusterId: flags.cluster,
            kubeconfig: flags.kubeconfig,
            network: networkIn(flags),
            addresses: addressesIn(flags),
            restMs: flags.rest * 1000,
            clusterCidrs: network.pods.map(({ cidr }) => cidr),
            serviceCidrs: network.services,
            joinCidrs: network.join,
            directCidrs: network.direct,
            ovsDb: flags.vswitch,
            ovsRunDirectory: flags.ovsRundir,
            ovnRunDirectory: flags.ovnRundir,
            cniSocket: flags.cniSocket,
            cniConfDirectory: flags.cniConfDir,
            cniBinDirectory: flags.cniBinDir,
            cniPlugin: flags.cniPlugin,
            leaseNamespace: flags.leaseNamespace,
            heartbeatMs: flags.heartbeat * 1000,
            cniLimitMs: flags.cniLimit * 1000,
            healthAddress: flags.metricsAddress,
            registry,
            log,
            logLevels: levels,
          },
          signal,
        ),
      );
    });
}

function networkIn(flags: Flags): AgentOptions["network"] {
  const { mode, southbound, encapIp } = flags;
  const gateway = gatewayIn(flags);
  if (mode === "underlay") return { mode };
  if (southbound === undefined) throw new ConfigError("--southbound is needed in overlay mode");
  return { mode, ovnRemote: southbound, encapIp, gateway };
}
