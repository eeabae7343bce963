// What runs in a sandbox and what does not, as text and as JSON.

import { processesOf } from "./plan.ts";
import type { ProcessRecord } from "./process/record.ts";
import type { Supervisor } from "./process/supervisor.ts";
import type { Sandbox } from "./sandbox.ts";

export interface ProcessStatus {
  readonly name: string;
  /** `stopped`: ended on purpose. `dead`: died by itself. `absent`: planned, but never started. */
  readonly state: "running" | "paused" | "stopped" | "dead" | "absent";
  readonly pid?: number;
  /** When it recently died by itself, as ISO 8601. */
  readonly deaths?: readonly string[];
}

export interface SandboxStatus {
  readonly name: string;
  readonly directory: string;
  readonly kubeconfig: string;
  readonly hosts: readonly {
    readonly name: string;
    readonly netns: string;
    readonly addresses: readonly string[];
  }[];
  readonly processes: readonly ProcessStatus[];
}

export function statusOf(sandbox: Sandbox): SandboxStatus {
  const { layout, processes } = sandbox;
  return {
    name: layout.name,
    directory: layout.state,
    kubeconfig: layout.kubeconfig,
    hosts: layout.hosts.map(({ name, netns, addresses }) => ({ name, netns, addresses })),
    processes: processesOf(layout).map(({ name }) => processStatus(processes, name)),
  };
}

function processStatus(processes: Supervisor, name: string): ProcessStatus {
  const record = processes.find(name);
  if (!record) return { name, state: "absent" };
  const deaths = record.deaths?.map((atMs) => new Date(atMs).toISOString());
  return { name, state: stateOf(processes, record), pid: record.pid, ...(deaths && { deaths }) };
}

function stateOf(processes: Supervisor, { name, stopped }: ProcessRecord): ProcessStatus["state"] {
  if (processes.isPaused(name)) return "paused";
  if (processes.isAlive(name)) return "running";
  return stopped === true ? "stopped" : "dead";
}

export function printStatus(status: SandboxStatus): string {
  const failing = status.processes.filter(({ state }) => state !== "running");
  const died = status.processes.filter(({ deaths }) => deaths !== undefined);
  const again =
    died.length === 0
      ? ""
      : `; died and started again: ${died.map(({ name }) => name).join(" ")}; see: weft sandbox logs --name ${status.name} ${died[0]?.name}`;
  const health =
    failing.length === 0
      ? `all ${status.processes.length} processes run${again}`
      : `${failing.length} of ${status.processes.length} processes do not run; see: weft sandbox logs --name ${status.name} ${failing[0]?.name}`;
  return [
    `sandbox ${status.name}: ${health}`,
    "",
    ...columns(
      ["HOST", "NAMESPACE", "ADDRESSES"],
      status.hosts.map((host) => [host.name, host.netns, host.addresses.join(" ")]),
    ),
    "",
    ...columns(
      ["PROCESS", "STATE", "PID", "DIED"],
      status.processes.map(({ name, state, pid, deaths }) => [
        name,
        state,
        String(pid ?? "-"),
        deaths ? `${deaths.length} times, last ${deaths.at(-1)}` : "",
      ]),
    ),
  ].join("\n");
}

/** 0 when all processes run, 1 when some do not. */
export const exitCodeOf = (status: SandboxStatus): number =>
  status.processes.every(({ state }) => state === "running") ? 0 : 1;

function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
