// What runs in a sandbox and what does not, for people and as JSON.

import { processesOf } from "./plan.ts";
import type { Supervisor } from "./process/supervisor.ts";
import type { Sandbox } from "./sandbox.ts";

export interface ProcessStatus {
  readonly name: string;
  /** `absent`: planned, and never started. */
  readonly state: "running" | "paused" | "dead" | "absent";
  readonly pid?: number;
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
  const pid = processes.find(name)?.pid;
  if (pid === undefined) return { name, state: "absent" };
  if (!processes.isAlive(name)) return { name, state: "dead", pid };
  return { name, state: processes.isPaused(name) ? "paused" : "running", pid };
}

export function printStatus(status: SandboxStatus): string {
  const failing = status.processes.filter(({ state }) => state !== "running");
  const health =
    failing.length === 0
      ? `all ${status.processes.length} processes run`
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
      ["PROCESS", "STATE", "PID"],
      status.processes.map(({ name, state, pid }) => [name, state, String(pid ?? "-")]),
    ),
  ].join("\n");
}

/** 0 when all run, 1 when some do not. */
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
