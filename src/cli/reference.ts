// Prints docs/reference.md: every flag, annotation, condition and metric, from the code itself. `make reference` writes
// the file, and a test fails when it is stale.

import { Registry } from "prom-client";
import { keeperMetrics } from "../central/metrics.ts";
import { controllerMetrics } from "../controller/metrics.ts";
import { noPolicies } from "../controller/policySummary.ts";
import { annotations } from "../model/names.ts";
import { agentGauges, agentMetrics } from "../node/metrics.ts";
import { resolverMetrics } from "../resolver/metrics.ts";
import { signerMetrics } from "../signer/metrics.ts";
import { allCommands } from "./commands.ts";
import { type CommandEntry, commandTree } from "./commandTree.ts";

interface Meaning {
  readonly on: string;
  readonly by: string;
  readonly what: string;
}

const meanings: { readonly [K in keyof typeof annotations]: Meaning } = {
  podNetworks: {
    on: "Pod",
    by: "controller",
    what: "the pod's addresses, MAC and gateways, as JSON in the form of ovn-kubernetes",
  },
  nodeSubnets: { on: "Node", by: "controller", what: "the ranges from which the node's pods get addresses" },
  nodeId: {
    on: "Node",
    by: "controller",
    what: "the node's number, from which its place in the join network follows",
  },
  nodeChassisId: { on: "Node", by: "agent", what: "the `system-id` of the node's Open vSwitch" },
  gatewayConfig: {
    on: "Node",
    by: "agent",
    what: "how the node reaches the outside: MAC, addresses, next hops and MTU of its external bridge",
  },
  hostCidrs: { on: "Node", by: "agent", what: "all addresses of the node, on all its interfaces" },
  pool: { on: "Node", by: "controller", what: "the ready ports that the agent may claim" },
  poolSeen: { on: "Node", by: "agent", what: "the agent's answer to `weft.io/pool`" },
  heldDeletions: {
    on: "Lease of the controllers",
    by: "leader",
    what: "which deletions the prune guard holds back, and why",
  },
  apiServer: {
    on: "Lease of the controllers",
    by: "leader",
    what: "what the leader knows of the API server, while it has no doubt of it: the cluster and versions",
  },
  refusedChassis: {
    on: "Node",
    by: "controller",
    what: "the chassis id that the Node states but may not have, because another node has it",
  },
  mirrorOf: { on: "Pod", by: "kubelet", what: "that the pod is the mirror of a static one" },
  configHash: { on: "Pod", by: "kubelet", what: "on a mirror: the UID of the static pod itself" },
  loadBalancerIps: {
    on: "Service",
    by: "you",
    what: "for type LoadBalancer: the addresses it should get, at most one of each family, separated by a comma",
  },
  aclLogging: {
    on: "Namespace, ClusterNetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy, SecurityProfile",
    by: "you",
    what: 'the severity with which packets are logged that its policies, or the policy itself, drop and allow: `{"deny":"info","allow":"notice"}`; a policy of the Baseline tier takes `pass` too; `weft logs policy` prints them',
  },
  securityProfiles: {
    on: "Pod",
    by: "you",
    what: "the SecurityProfiles that the pod asks for, separated by commas; one that its namespace may not have closes the pod",
  },
  addressPool: {
    on: "Service, Pod",
    by: "you",
    what: "for type LoadBalancer, or beside `weft.io/floating-address`: the IPAddressPool to take the addresses from",
  },
  floatingAddress: {
    on: "Pod",
    by: "you",
    what: "`any`, or at most one address of each family, separated by a comma: gives the pod an external address of its own, for traffic in and out; the controller makes a FloatingAddress for it",
  },
  allowSharedIp: {
    on: "Service",
    by: "you",
    what: "for type LoadBalancer: a key; Services of one namespace with the same key may share an address, each with its own ports",
  },
  policies: {
    on: "Lease of the controllers",
    by: "leader",
    what: "how many policies are in force, and what the others wait for, as JSON",
  },
  mode: {
    on: "Lease of the controllers",
    by: "leader",
    what: "the mode: `underlay`, or `overlay` and the configured ranges of Services",
  },
  troubles: {
    on: "Lease of the controllers",
    by: "leader",
    what: "what does not work, as JSON: `api`, `southbound`, `northd`, `agents`, `ranges`, each with a sentence",
  },
};

const conditionReasons: readonly (readonly [string, string])[] = [
  ["WeftIsUp", "pods can be attached (the condition is False)"],
  ["VswitchdDown", "ovs-vswitchd is not running, or hangs"],
  ["OvsdbDown", "the node's Open vSwitch database does not answer"],
  ["OvnControllerDown", "ovn-controller is not running, or hangs"],
  ["SouthboundUnreachable", "ovn-controller has no connection to the southbound database"],
  [
    "WeftNotReady",
    "the agent is still bringing the node onto the network; the message says what it waits for",
  ],
  [
    "FlowsMissing",
    "br-int has none of ovn-controller's flows, and ovn-controller does not write them again when asked to",
  ],
  [
    "HostNetworkContested",
    "another program keeps changing what the agent sets on the node; the message says what",
  ],
  ["ApiUnreachable", "the agent receives nothing about its pods from the API server"],
  ["AgentSilent", "written by the controller: the agent has not renewed its Lease"],
];

/** The whole document. */
export async function referenceText(): Promise<string> {
  const commands = commandTree(await allCommands());
  return [
    "# Reference: flags, annotations, conditions, metrics",
    "Made from the code by `make reference`. Do not edit.",
    "## Flags",
    "A flag with a variable can be set by that variable instead.",
    ...commands.flatMap(commandSections),
    "## Annotations",
    table(
      ["annotation", "on", "written by", "what it says"],
      Object.entries(meanings).map(([name, { on, by, what }]) => [
        `\`${Object.entries(annotations).find(([key]) => key === name)?.[1]}\``,
        on,
        by,
        what,
      ]),
    ),
    "## The condition NetworkUnavailable of a Node",
    "While it is True, no new pods are scheduled on the node; running pods are left alone.",
    table(
      ["reason", "meaning"],
      conditionReasons.map(([reason, meaning]) => [`\`${reason}\``, meaning]),
    ),
    "## The condition NetworkDegraded of a Node",
    "While it is True, pods on the node cannot reach everything they could before. New pods are still scheduled there. A node that has lost nothing does not have this condition.",
    table(
      ["reason", "meaning"],
      [
        ["`AddressLost`", "br-ex has lost its address of one family; the message says which address"],
        ["`DefaultRouteLost`", "the default route through br-ex is gone; the message says what it was"],
        [
          "`PortsNotWritten`",
          "the rules or flows that lead to Services and pods could not be written, or Open vSwitch refuses them; the message says why, and the agent tries again every two seconds",
        ],
      ],
    ),
    "## Metrics",
    "Besides these, all have Node.js's own under their usual names: `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_start_time_seconds`, `process_open_fds`, `nodejs_eventloop_lag_seconds` and others.",
    "### weft controller",
    await metricTable(controllerRegistry()),
    "### weft agent",
    await metricTable(agentRegistry()),
    "### weft signer",
    await metricTable(signerRegistry()),
    "### weft resolver",
    await metricTable(resolverRegistry()),
    "### weft central keep",
    await metricTable(keeperRegistry()),
  ]
    .join("\n\n")
    .concat("\n");
}

function commandSections(command: CommandEntry): readonly string[] {
  const { name, subcommands } = command;
  if (subcommands.length === 0) return [`### weft ${name}`, flagTable(command)];
  return subcommands.flatMap((each) => [`### weft ${name} ${each.name}`, flagTable(each)]);
}

function flagTable({ options }: CommandEntry): string {
  return table(
    ["flag", "meaning", "default", "variable"],
    options.map(({ flags, description, choices, defaultValue, env }) => [
      `\`${flags}\``,
      choices.length > 0 ? `${description} (${choices.join(", ")})` : description,
      defaultValue === undefined ? "" : `\`${defaultValue}\``,
      env === undefined ? "" : `\`${env}\``,
    ]),
  );
}

function controllerRegistry(): Registry {
  const registry = new Registry();
  controllerMetrics(registry, {
    queueDepth: () => 0,
    queueFailing: () => 0,
    podsByState: () => new Map(),
    heldDeletions: () => 0,
    unlisted: () => new Map(),
    troubles: () => new Map(),
    agents: () => ({ all: 0, silent: 0 }),
    policies: () => noPolicies,
  });
  return registry;
}

function agentRegistry(): Registry {
  const registry = new Registry();
  const readings = {
    attachments: () => 0,
    notReady: () => undefined,
    degraded: () => undefined,
    faults: () => new Map(),
    poolPorts: () => [],
  };
  agentGauges(registry, readings);
  agentMetrics(registry);
  return registry;
}

function signerRegistry(): Registry {
  const registry = new Registry();
  signerMetrics(registry, () => new Map());
  return registry;
}

function resolverRegistry(): Registry {
  const registry = new Registry();
  resolverMetrics(registry, () => 0);
  return registry;
}

function keeperRegistry(): Registry {
  const registry = new Registry();
  keeperMetrics(registry, () => new Map());
  return registry;
}

/** Weft's own; those of Node.js and of the process belong to their library. */
async function metricTable(registry: Registry): Promise<string> {
  const metrics = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("weft_"));
  return table(
    ["metric", "type", "meaning"],
    metrics.map(({ name, type, help }) => [`\`${name}\``, String(type), help]),
  );
}

/** Aligned, as the formatter would have it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...all.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const [first = [], ...others] = all;
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("\n");
}

if (import.meta.main) process.stdout.write(await referenceText());
