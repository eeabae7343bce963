// Brings a sandbox up, doing everything in parallel that does not have to wait for something else. If it fails, it
// leaves nothing behind. Called again on a sandbox that is up, it restarts what has died.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { requireCloud } from "./cloud/guests.ts";
import { connectTenant } from "./cloud/network.ts";
import { downSandbox } from "./down.ts";
import { baseEnvironment } from "./environment.ts";
import { buildFabric } from "./fabric/fabric.ts";
import { namespacesWith } from "./fabric/netns.ts";
import { freePort } from "./freePort.ts";
import { requireDatapath, requireMachine } from "./install/requirements.ts";
import { baseDirectory, isOwn, type Layout, layoutOf, type Settings, switchesOf } from "./layout.ts";
import { chosenFolder } from "./ovn/choice.ts";
import { createDatabases } from "./ovn/databases.ts";
import { writeWrappers } from "./ovn/folder.ts";
import { clusterProcesses, networkProcesses, processesOf, specOf } from "./plan.ts";
import type { PlannedProcess } from "./plannedProcess.ts";
import { isRunning, processState } from "./process/procfs.ts";
import { cniPlugin } from "./processes.ts";
import { Sandbox } from "./sandbox.ts";
import { type Choices, readSettings, sameSettings, settingsOf } from "./settings.ts";

type Progress = (line: string) => void;

export interface UpOptions extends Choices {
  /** Where run directories are made; default `baseDirectory(process.env)`. */
  readonly base?: string;
  /** Gets a line for each step. */
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** The running sandbox. If it rejects, or `signal` aborts meanwhile, everything that was started is removed again. */
export async function upSandbox(options: UpOptions): Promise<Sandbox> {
  const { base = baseDirectory(process.env), progress = () => undefined } = options;
  const ovn = chosenFolder(options.ovn);
  requireMachine(ovn === undefined);
  if ((options.parts ?? "all") === "all" && !existsSync(cniPlugin))
    throw new Error(`no ${cniPlugin}; build it with: make cni`);
  const settings = settingsOf({ ...options, ovn }, await freePort());
  requireDatapath(settings.datapath);
  const layout = layoutOf(settings, base);
  const existing = await existingSandbox(settings, layout, base);
  if (existing) {
    await start(existing, progress, options.signal);
    return existing;
  }
  requireCloud(settings, base);
  const sandbox = new Sandbox(layout);
  const marker = await claim(layout, settings);
  try {
    await build(layout, progress, options.signal);
    await start(sandbox, progress, options.signal);
    await rm(marker);
    return sandbox;
  } catch (error) {
    await downSandbox(layout.name, base);
    throw options.signal?.aborted ? options.signal.reason : error;
  }
}

/** The sandbox if it is up with the same settings. Removes what a crashed `up` or a reboot has left behind. */
async function existingSandbox(wanted: Settings, layout: Layout, base: string): Promise<Sandbox | undefined> {
  const settings = readSettings(layout.settingsFile);
  const starter = starterOf(layout);
  const own = [layout.fabric, ...layout.nodeHosts].find((host) => isOwn(layout, host));
  if (starter === "running")
    throw new Error(`another command is just starting the sandbox ${layout.name}; wait for it`);
  if (!settings || starter === "crashed" || !namespacesWith(layout.netnsPrefix).includes(own?.netns ?? "")) {
    await downSandbox(layout.name, base);
    return undefined;
  }
  if (!sameSettings(settings, wanted))
    throw new Error(
      `sandbox ${layout.name} is up with other settings; first run: weft sandbox down --name ${layout.name}`,
    );
  return new Sandbox(layoutOf(settings, base));
}

async function build(layout: Layout, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  const done = stopwatch(progress);
  const env = baseEnvironment(layout);
  if (layout.ovn !== undefined) writeWrappers(layout.ovn);
  const directories = [
    ...(isOwn(layout, layout.central) ? [layout.central.directory] : []),
    ...switchesOf(layout).flatMap((host) => [host.ovs, host.ovn, host.log]),
    ...layout.nodeHosts.map((node) => node.cniConfigurations),
  ];
  await Promise.all(directories.map((path) => mkdir(path, { recursive: true })));
  await together(signal, (signal) => [
    buildFabric(layout, env, signal),
    createDatabases(layout, env, signal),
  ]);
  done(`network: ${networkInWords(layout)}`);
}

function networkInWords({ nodes, cloud, hypervisors }: Layout): string {
  if (cloud !== undefined) return `${nodes} nodes, a VM and a physical machine in the cloud of ${cloud}`;
  if (hypervisors.length === 0) return `${nodes} nodes, OVN central and an outside host on one bridge`;
  return `${hypervisors.length} hypervisors with ${nodes} nodes and a VM, a physical machine, OVN central and an outside host`;
}

/** The nodes of a tenant reach each other, and therefore the API server, only when the cloud has its networks. */
async function start(sandbox: Sandbox, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  const { layout } = sandbox;
  const done = stopwatch(progress);
  if (layout.tenant) {
    await startProcesses(sandbox, networkProcesses(layout), done, signal);
    await connectTenant(layout, layout.tenant, signal);
    done(`cloud: router ${layout.tenant.router} with the networks of VMs and of machines`);
    await startProcesses(sandbox, clusterProcesses(layout), done, signal);
  } else await startProcesses(sandbox, processesOf(layout), done, signal);
}

/** Starts each process as soon as those that it comes after are ready. */
async function startProcesses(
  sandbox: Sandbox,
  processes: readonly PlannedProcess[],
  done: (step: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const plan = new Map(processesOf(sandbox.layout).map((planned) => [planned.name, planned]));
  const started = new Map<string, Promise<void>>();
  const startOf = (name: string, signal: AbortSignal): Promise<void> => {
    const running = started.get(name) ?? begin(name, signal);
    started.set(name, running);
    return running;
  };
  const begin = async (name: string, signal: AbortSignal): Promise<void> => {
    const planned = plan.get(name);
    if (!planned) throw new Error(`no process ${name} to come after`);
    await Promise.all((planned.after ?? []).map((before) => startOf(before, signal)));
    await sandbox.processes.launch(specOf(sandbox.layout, planned), signal);
  };
  const stages = Map.groupBy(processes, (planned) => planned.stage);
  await together(signal, (signal) =>
    [...stages].map(async ([stage, members]) => {
      await Promise.all(members.map((member) => startOf(member.name, signal)));
      done(stage);
    }),
  );
}

/** Does everything in parallel. The first failure stops the rest, and is thrown when none of it runs any more. */
async function together(
  outer: AbortSignal | undefined,
  begin: (signal: AbortSignal) => readonly Promise<void>[],
): Promise<void> {
  const stopping = new AbortController();
  const work = begin(outer ? AbortSignal.any([outer, stopping.signal]) : stopping.signal);
  try {
    await Promise.all(work);
  } catch (error) {
    stopping.abort();
    await Promise.allSettled(work);
    throw error;
  }
}

/** Claims the run directory for this process until the marker is removed. */
async function claim(layout: Layout, settings: Settings): Promise<string> {
  await mkdir(layout.state, { recursive: true, mode: 0o700 });
  const marker = markerOf(layout);
  writeFileSync(marker, `${process.pid} ${processState(process.pid)?.startTime ?? ""}`, { flag: "wx" });
  writeFileSync(layout.settingsFile, `${JSON.stringify(settings, undefined, 2)}\n`);
  return marker;
}

function starterOf(layout: Layout): "none" | "running" | "crashed" {
  const marker = markerOf(layout);
  if (!existsSync(marker)) return "none";
  const [pid = "", startTime = ""] = readFileSync(marker, "utf8").split(" ");
  return isRunning(Number(pid), startTime) ? "running" : "crashed";
}

const markerOf = (layout: Layout): string => join(layout.state, "starting");

function stopwatch(progress: Progress): (step: string) => void {
  const start = performance.now();
  return (step) => progress(`${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s  ${step}`);
}
