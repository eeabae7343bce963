// A tenant's rows in the cloud's northbound database and its virtual machines' cards on the hypervisors, made and
// removed as an operator would, with ovn-nbctl and ovs-vsctl. Each command states the desired result, so it can be
// repeated.

import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { onNode } from "../../src/model/names.ts";
import { hostEnvironment } from "../environment.ts";
import { inNetns } from "../fabric/netns.ts";
import { type Host, plainAddress, type SwitchHost } from "../host.ts";
import type { Layout } from "../layout.ts";
import { management } from "../ovn/processes.ts";
import { run } from "../process/run.ts";
import type { Attachment, Tenant, Vif } from "./tenant.ts";

type Command = readonly string[];

const timeout = "--timeout=20";

/** Waits only for the databases: ports come up when the hypervisors get to them. */
export async function connectTenant(layout: Layout, tenant: Tenant, signal?: AbortSignal): Promise<void> {
  await Promise.all([
    northbound(layout, networkCommands(layout, tenant), signal),
    ...[...Map.groupBy(tenant.vifs, ({ hypervisor }) => hypervisor)].map(async ([hypervisor, vifs]) => {
      await integrationBridge(hypervisor, signal);
      await vswitch(layout, hypervisor, vifs.map(plugCommand), signal);
    }),
  ]);
}

export async function disconnectTenant(layout: Layout, tenant: Tenant): Promise<void> {
  await northbound(layout, [
    ["--if-exists", "lr-del", tenant.router],
    ...[tenant.vms, tenant.machines].map((network) => ["--if-exists", "ls-del", network.switch]),
  ]);
  // On every hypervisor, since a virtual machine may have moved.
  const unplug = tenant.vifs.map(({ port }) => ["--if-exists", "del-port", onNode.integrationBridge, port]);
  await Promise.all(layout.hypervisors.map((hypervisor) => vswitch(layout, hypervisor, unplug)));
}

function networkCommands({ hypervisors }: Layout, tenant: Tenant): readonly Command[] {
  const { router, vms, machines, vifs } = tenant;
  return [
    ["--may-exist", "lr-add", router],
    ...attached(router, vms),
    ...vifs.flatMap(({ host, logicalPort }) => {
      const identity = [host.mac, ...host.addresses.map(plainAddress)].join(" ");
      return [
        ["--may-exist", "lsp-add", vms.switch, logicalPort],
        ["lsp-set-addresses", logicalPort, identity],
        ["lsp-set-port-security", logicalPort, identity],
      ];
    }),
    ...attached(router, machines),
    ["--may-exist", "lsp-add", machines.switch, machines.localnetPort],
    ["lsp-set-type", machines.localnetPort, "localnet"],
    ["lsp-set-addresses", machines.localnetPort, "unknown"],
    ["lsp-set-options", machines.localnetPort, `network_name=${onNode.physicalNetwork}`],
    ...(machines.vlan === undefined
      ? []
      : [["set", "Logical_Switch_Port", machines.localnetPort, `tag=${machines.vlan}`]]),
    // One hypervisor at a time answers for the router on the machines' wire. If it dies, OVN lets the next one take
    // over only if that still sees a third one: a chassis without any working tunnel considers itself the lost one.
    ...hypervisors.map((host, index) => [
      "lrp-set-gateway-chassis",
      machines.routerPort,
      host.externalIds["system-id"] ?? host.name,
      String(20 - index),
    ]),
  ];
}

/** A switch and its connection to the router. */
const attached = (
  router: string,
  { switch: name, routerPort, switchPort, mac, addresses }: Attachment & { readonly switch: string },
): readonly Command[] => [
  ["--may-exist", "ls-add", name],
  ["--may-exist", "lrp-add", router, routerPort, mac, ...addresses],
  ["--may-exist", "lsp-add", name, switchPort],
  ["lsp-set-type", switchPort, "router"],
  ["lsp-set-addresses", switchPort, "router"],
  ["lsp-set-options", switchPort, `router-port=${routerPort}`],
];

const plugCommand = ({ port, logicalPort }: Vif): Command => [
  ...["--may-exist", "add-port", onNode.integrationBridge, port],
  ...["--", "set", "Interface", port, `external_ids:iface-id=${logicalPort}`],
];

/** ovn-controller makes the bridge when it starts. Making a second one of that name would be an error for both. */
async function integrationBridge(hypervisor: SwitchHost, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!existsSync(management(hypervisor, onNode.integrationBridge))) {
    if (performance.now() > deadline)
      throw new Error(`${hypervisor.name}: ovn-controller has made no ${onNode.integrationBridge} in 30 s`);
    await delay(10, undefined, { signal });
  }
}

const northbound = (layout: Layout, commands: readonly Command[], signal?: AbortSignal): Promise<void> =>
  at(layout, layout.central, ["ovn-nbctl", timeout], commands, signal);

const vswitch = (
  layout: Layout,
  host: SwitchHost,
  commands: readonly Command[],
  signal?: AbortSignal,
): Promise<void> => at(layout, host, ["ovs-vsctl", timeout, "--no-wait"], commands, signal);

/** All commands in one transaction. */
async function at(
  layout: Layout,
  host: Host,
  program: Command,
  commands: readonly Command[],
  signal?: AbortSignal,
): Promise<void> {
  const words = commands.flatMap((command, index) => (index === 0 ? command : ["--", ...command]));
  await run(inNetns(host.netns, [...program, ...words]), {
    env: hostEnvironment(layout, host),
    ...(signal && { signal }),
  });
}
