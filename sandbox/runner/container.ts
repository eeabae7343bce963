// One container of a pod over all its runs: start, probes, exit, restart with back-off, termination. It knows nothing
// of the API: it keeps the fields of a ContainerStatus up to date and calls `changed` when one changes.

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { timeText } from "../client/kinds.ts";
import type { Container, ContainerState, ContainerStatus, Handler, Pod } from "../client/objects.ts";
import { argvOf, ContainerConfigError, environmentOf, hostnameOf, type PodPlace } from "./env.ts";
import { withTerminal } from "./exec.ts";
import { execute } from "./execute.ts";
import { watchHealth } from "./health.ts";
import { type ProbeTarget, probeOnce } from "./probes.ts";
import { ContainerProcess, type Exit, logPath } from "./process.ts";

/** What a container needs to know of its pod. Addresses and namespace exist once the pod runs. */
export interface ContainerContext {
  readonly pod: () => Pod;
  readonly place: () => PodPlace;
  /** Undefined means the node's own. */
  readonly netnsPath: () => string | undefined;
  /** The container's directory. Each run gets a numbered directory below it. */
  readonly directory: string;
  /** The directory of the pod's own files in /etc. */
  readonly etc: string;
  readonly restart: "Always" | "OnFailure" | "Never";
  /** Aborts when the pod ends. Nothing is started after that. */
  readonly stop: AbortSignal;
  readonly changed: () => void;
  readonly event: (type: "Normal" | "Warning", reason: string, message: string) => void;
}

const backoffMs = { first: 10_000, most: 300_000, forgetAfter: 600_000 } as const;
const settleMs = 300;

export class ContainerRun {
  readonly spec: Container;
  readonly #context: ContainerContext;
  #process: ContainerProcess | undefined;
  #state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  #lastState: ContainerState = {};
  #restarts = 0;
  #ready = false;
  #started = false;
  #graceMs = 0;

  constructor(spec: Container, context: ContainerContext) {
    this.spec = spec;
    this.#context = context;
  }

  get status(): ContainerStatus {
    return {
      name: this.spec.name,
      image: this.spec.image ?? "",
      imageID: "",
      ...(this.#process ? { containerID: this.#containerId } : {}),
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** Runs the container until it ends for good, by its restart policy or because the pod stops. */
  async run(): Promise<void> {
    let process = await this.recover();
    let delayMs = 0;
    while (!this.#context.stop.aborted || process) {
      process ??= await this.#launch();
      if (process) {
        const exit = await this.#follow(process);
        if (this.#context.stop.aborted || !this.#restartsAfter(exit)) return;
        const ranMs = exit.finishedAt.getTime() - process.startedAt.getTime();
        if (ranMs >= backoffMs.forgetAfter) delayMs = 0;
        process = undefined;
        this.#restarts++;
      }
      await this.#backOff(delayMs);
      delayMs = Math.min(delayMs === 0 ? backoffMs.first : delayMs * 2, backoffMs.most);
    }
  }

  /** Ends a running container: preStop, TERM, and KILL when the grace period is over. */
  async terminate(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    const process = this.#process;
    if (!process || this.#state.running === undefined) return;
    const deadline = performance.now() + graceMs;
    const remaining = () => Math.max(0, deadline - performance.now());
    const preStop = this.spec.lifecycle?.preStop;
    if (preStop) await this.#preStop(preStop, remaining());
    // Pid 1 of a namespace only reacts to TERM once it has a handler, which takes a new process a moment.
    const ageMs = Date.now() - process.startedAt.getTime();
    if (ageMs < settleMs) await sleep(Math.min(settleMs - ageMs, remaining()));
    await process.signal("SIGTERM");
    const timer = new AbortController();
    const overdue = sleep(remaining(), "overdue", { signal: timer.signal }).catch(() => "ended");
    const first = await Promise.race([process.exited, overdue]);
    timer.abort();
    if (first === "overdue") await process.signal("SIGKILL");
    await process.exited;
  }

  /** The command line that runs a command inside the container. Undefined when the container is not running. */
  async inside(command: readonly string[]): Promise<readonly string[] | undefined> {
    const pid = await this.#process?.pid();
    if (pid === undefined) return undefined;
    const where = this.spec.workingDir === undefined ? [] : [`--wdns=${this.spec.workingDir}`];
    return ["nsenter", `--target=${pid}`, "--net", "--pid", "--mount", "--uts", ...where, "--", ...command];
  }

  get environment(): Record<string, string> {
    return environmentOf(this.#context.pod(), this.spec, this.#context.place());
  }

  /** The log of this run, or of the previous one. Undefined when there was none. */
  log(previous: boolean): string | undefined {
    const run = this.#restarts - (previous ? 1 : 0);
    if (run < 0 || (!previous && !this.#process)) return undefined;
    return logPath(this.#directory(run));
  }

  /** The container's input, if it has one and this runner started it. */
  get stdin(): Writable | undefined {
    return this.#process?.stdin;
  }

  get running(): boolean {
    return this.#state.running !== undefined;
  }

  get #containerId(): string {
    return `sandbox://${this.#context.pod().metadata.uid}/${this.spec.name}/${this.#restarts}`;
  }

  #directory(run: number): string {
    return join(this.#context.directory, String(run));
  }

  /** Finds what an earlier runner left: the number of the run, its log, and the process, running or ended. */
  async recover(): Promise<ContainerProcess | undefined> {
    await mkdir(this.#context.directory, { recursive: true });
    const runs = (await readdir(this.#context.directory)).map(Number).sort((a, b) => a - b);
    const last = runs.at(-1);
    if (last === undefined) return undefined;
    this.#restarts = last;
    const process = await ContainerProcess.adopt(this.#directory(last));
    if (!process) return undefined;
    this.#process = process;
    // A living process is as ready as when the old runner last looked. Probes correct that if it is wrong.
    if ((await process.pid()) === undefined) return process;
    const { containerStatuses = [] } = this.#context.pod().status ?? {};
    this.#ready = containerStatuses.find(({ name }) => name === this.spec.name)?.ready ?? false;
    return process;
  }

  async #launch(): Promise<ContainerProcess | undefined> {
    const { pod, place, netnsPath, etc } = this.#context;
    try {
      const env = this.environment;
      const process = await ContainerProcess.launch({
        directory: this.#directory(this.#restarts),
        etc,
        netnsPath: netnsPath(),
        hostname: hostnameOf(pod(), place()),
        argv: this.spec.tty === true ? withTerminal(argvOf(this.spec, env)) : argvOf(this.spec, env),
        stdin: this.spec.stdin === true,
        env,
        workingDirectory: this.spec.workingDir ?? "/",
      });
      await rm(this.#directory(this.#restarts - 2), { recursive: true, force: true });
      return process;
    } catch (error) {
      const reason =
        error instanceof ContainerConfigError ? "CreateContainerConfigError" : "RunContainerError";
      const message = error instanceof Error ? error.message : String(error);
      this.#context.event("Warning", "Failed", `Error: ${message}`);
      this.#become({ waiting: { reason, message } });
      return undefined;
    }
  }

  /** Follows a running process, with its probes, to its end. */
  async #follow(process: ContainerProcess): Promise<Exit> {
    this.#process = process;
    const startedAt = timeText(process.startedAt);
    const ended = new AbortController();
    this.#started = this.spec.startupProbe === undefined;
    this.#ready = this.#started && (this.#ready || this.spec.readinessProbe === undefined);
    this.#become({ running: { startedAt } });
    const probing = watchHealth(this.#target(), ended.signal, this.#context.stop, {
      started: () => {
        this.#started = true;
        this.#becomeReady(this.spec.readinessProbe === undefined);
        this.#context.changed();
      },
      ready: (good) => this.#becomeReady(good),
      failed: (probe) => this.#restart(probe, process),
    });
    // The pod may have ended while the process was being started or found.
    const ending = this.#context.stop.aborted ? this.terminate(this.#graceMs) : undefined;
    const exit = await process.exited;
    ended.abort();
    await Promise.all([probing, ending]);
    this.#ready = false;
    this.#started = false;
    this.#become({
      terminated: {
        exitCode: exit.code,
        reason: exit.code === 0 ? "Completed" : "Error",
        startedAt,
        finishedAt: timeText(exit.finishedAt),
        containerID: this.#containerId,
      },
    });
    return exit;
  }

  #becomeReady(good: boolean): void {
    if (good === this.#ready) return;
    this.#ready = good;
    if (!good) this.#context.event("Warning", "Unhealthy", "Readiness probe failed");
    this.#context.changed();
  }

  #restart(failed: "Startup" | "Liveness", process: ContainerProcess): void {
    const why = `Container ${this.spec.name} failed ${failed.toLowerCase()} probe, will be restarted`;
    this.#context.event("Warning", "Unhealthy", `${failed} probe failed`);
    this.#context.event("Normal", "Killing", why);
    const graceMs = (this.#context.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000;
    this.terminate(graceMs).catch(() => process.signal("SIGKILL"));
  }

  #target(): ProbeTarget {
    return {
      container: this.spec,
      address: this.#context.place().podIps[0] ?? "",
      execute: async (command, timeoutMs) => {
        const argv = await this.inside(command);
        if (!argv) return false;
        const { code, timedOut } = await execute(argv, { env: this.environment, timeoutMs });
        return code === 0 && !timedOut;
      },
    };
  }

  async #preStop(hook: Handler, limitMs: number): Promise<void> {
    if (hook.sleep) await sleep(Math.min(hook.sleep.seconds * 1000, limitMs));
    else await probeOnce(hook, this.#target(), limitMs);
  }

  #restartsAfter(exit: Exit): boolean {
    const { restart } = this.#context;
    return restart === "Always" || (restart === "OnFailure" && exit.code !== 0);
  }

  async #backOff(delayMs: number): Promise<void> {
    if (this.#state.terminated) this.#lastState = this.#state;
    if (delayMs === 0) return;
    const { name } = this.spec;
    if (this.#state.terminated) {
      const message = `back-off ${delayMs / 1000}s restarting failed container=${name}`;
      this.#become({ waiting: { reason: "CrashLoopBackOff", message } });
      this.#context.event("Warning", "BackOff", `Back-off restarting failed container ${name}`);
    }
    await sleep(delayMs, undefined, { signal: this.#context.stop, ref: false }).catch((error: unknown) => {
      if (!this.#context.stop.aborted) throw error;
    });
  }

  #become(state: ContainerState): void {
    this.#state = state;
    this.#context.changed();
  }
}
