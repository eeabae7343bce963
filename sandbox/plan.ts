// Every process of a sandbox: where and what it runs, what must be ready before it starts, and how it shows that it is
// ready. The entries come from ovn/processes.ts and processes.ts; here they are put together.

import { baseEnvironment, hostEnvironment } from "./environment.ts";
import { isSwitch } from "./host.ts";
import { keeperProcess } from "./keeper/process.ts";
import { isOwn, type Layout } from "./layout.ts";
import { centralProcesses, chassisProcesses, switchProcesses } from "./ovn/processes.ts";
import type { PlannedProcess } from "./plannedProcess.ts";
import type { ProcessSpec } from "./process/record.ts";
import { echoProcess, kubernetesProcesses, weftProcesses } from "./processes.ts";

export const processesOf = (layout: Layout): readonly PlannedProcess[] => [
  ...networkProcesses(layout),
  ...clusterProcesses(layout),
];

/** The network that the nodes find: Open vSwitch, and OVN unless the nodes bring it; in underlay mode the whole cloud. */
export function networkProcesses(layout: Layout): readonly PlannedProcess[] {
  const { tenant, central, hypervisors, nodeHosts, parts } = layout;
  if (parts === "hosts") return [keeperProcess(layout)];
  if (parts === "ovs")
    return [
      keeperProcess(layout),
      ...nodeHosts.flatMap((node) => switchProcesses(node, "nodes: Open vSwitch")),
    ];
  const own = [keeperProcess(layout), ...(isOwn(layout, central) ? centralProcesses(layout) : [])];
  if (!tenant)
    return [
      ...own,
      ...nodeHosts.flatMap((node) => chassisProcesses(node, "nodes: Open vSwitch and ovn-controller")),
    ];
  const machines = "machines: Open vSwitch in the nodes, an echo server on the others";
  return [
    ...own,
    ...hypervisors
      .filter((host) => isOwn(layout, host))
      .flatMap((host) => chassisProcesses(host, "hypervisors: Open vSwitch and ovn-controller")),
    ...[...nodeHosts, tenant.machine].filter(isSwitch).flatMap((host) => switchProcesses(host, machines)),
    ...[tenant.vm, tenant.machine].map((host) => echoProcess(host, layout.name, machines)),
  ];
}

/** Kubernetes and Weft. */
export const clusterProcesses = (layout: Layout): readonly PlannedProcess[] =>
  layout.parts === "all" ? [...kubernetesProcesses(layout), ...weftProcesses(layout)] : [];

/** What the supervisor starts for this process. */
export const specOf = (layout: Layout, { name, on, run, ready }: PlannedProcess): ProcessSpec => ({
  name,
  argv: [...run],
  env: on ? hostEnvironment(layout, on) : baseEnvironment(layout),
  ...(on && { netns: on.netns }),
  ...(ready && { ready }),
});
