// Starts and stops the sandbox's processes. Each process runs detached from its starter and is recorded in a file. So
// any later command or test can stop, kill, pause or restart it by name, and the keeper (keeper/main.ts) can tell a
// process that died from one that was ended here. A pid is trusted only together with its start time.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inNetns } from "../fabric/netns.ts";
import { endProcesses, sendSignal } from "./end.ts";
import { isRunning, processState } from "./procfs.ts";
import { type Fate, type ProcessRecord, type ProcessSpec, parseRecord } from "./record.ts";

const pollMs = 10;
const readyTimeoutMs = 60_000;

export class Supervisor {
  readonly directory: string;

  /** `directory` holds `<name>.json` and `<name>.log` for each process. It is made when the first one starts. */
  constructor(directory: string) {
    this.directory = directory;
  }

  /** Starts the process described by `spec` and waits until it is ready. A running process of that name is left as it is. */
  async launch(spec: ProcessSpec, signal?: AbortSignal): Promise<void> {
    if (!this.isAlive(spec.name)) await this.#spawn(spec);
    await this.ready(spec.name, signal);
  }

  /** Starts a recorded process again, exactly as it was started the first time. */
  start(name: string, signal?: AbortSignal): Promise<void> {
    return this.launch(this.record(name), signal);
  }

  /** Restarts a process that died by itself, without waiting for it. Its recorded deaths are kept. */
  async revive(name: string): Promise<void> {
    const record = this.record(name);
    if (!this.isAlive(name)) await this.#spawn(record, record.deaths);
  }

  /** The record, and whether that life still goes on. The record already says so if `stop` or `kill` ended it. */
  look(name: string): { readonly record: ProcessRecord; readonly isAlive: boolean } {
    const before = this.record(name);
    if (isRunning(before.pid, before.startTime)) return { record: before, isAlive: true };
    const record = this.record(name);
    return { record, isAlive: record.pid !== before.pid };
  }

  /** Adds to the record of a life, unless the process has begun another life. */
  note({ name, pid }: ProcessRecord, fate: Fate): void {
    const record = this.record(name);
    if (record.pid === pid) this.#write({ ...record, ...fate });
  }

  /** Stops the process and starts it again. */
  async restart(name: string, signal?: AbortSignal): Promise<void> {
    await this.stop(name);
    await this.start(name, signal);
  }

  /** Waits until the process shows that it is ready, as its record says. */
  async ready(name: string, signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + readyTimeoutMs;
    for (const place of this.record(name).ready ?? []) {
      while (!(await isThere(place))) {
        this.#expectAlive(name);
        if (performance.now() > deadline)
          throw new Error(
            `${name}: nothing at ${place} after ${readyTimeoutMs / 1000} s; its log ends:\n${this.logTail(name)}`,
          );
        await delay(pollMs, undefined, { signal });
      }
    }
    this.#expectAlive(name);
  }

  /** Sends SIGTERM, and SIGKILL after `patienceMs`. A process that does not run counts as stopped. */
  async stop(name: string, patienceMs = 5_000): Promise<void> {
    const record = this.find(name);
    if (record) this.note(record, { stopped: true });
    await endProcesses(() => this.#alivePid(name), patienceMs);
  }

  /** The pids of all recorded processes that run. */
  alivePids(): number[] {
    return this.names().flatMap((name) => this.#alivePid(name));
  }

  /** Sends `signal`. After SIGKILL it returns once the process is gone. Throws when the process does not run. */
  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    const [pid] = this.#alivePid(name);
    if (pid === undefined) throw new Error(`${name} is not running; start it first`);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") this.note(this.record(name), { stopped: true });
    sendSignal(pid, signal);
    if (signal === "SIGKILL") await endProcesses(() => this.#alivePid(name), 0);
  }

  /** Returns once the process has stopped, which happens only when it is next scheduled. */
  async pause(name: string): Promise<void> {
    await this.kill(name, "SIGSTOP");
    while (this.isAlive(name) && !this.isPaused(name)) await delay(pollMs);
  }

  async resume(name: string): Promise<void> {
    await this.kill(name, "SIGCONT");
    while (this.isAlive(name) && this.isPaused(name)) await delay(pollMs);
  }

  isPaused(name: string): boolean {
    return this.#alivePid(name).some((pid) => processState(pid)?.letter === "T");
  }

  isAlive(name: string): boolean {
    return this.#alivePid(name).length > 0;
  }

  /** The names of all recorded processes in alphabetical order, including dead ones. */
  names(): string[] {
    if (!existsSync(this.directory)) return [];
    return readdirSync(this.directory)
      .filter((file) => file.endsWith(".json"))
      .map((file) => file.slice(0, -".json".length))
      .toSorted();
  }

  /** How the process was started, or undefined when no process of that name ever was. */
  find(name: string): ProcessRecord | undefined {
    const file = this.#file(name, "json");
    return existsSync(file) ? parseRecord(file, readFileSync(file, "utf8")) : undefined;
  }

  record(name: string): ProcessRecord {
    const record = this.find(name);
    if (!record) throw new Error(`no process ${name}; there are: ${this.names().join(" ") || "none"}`);
    return record;
  }

  logFile(name: string): string {
    return this.#file(name, "log");
  }

  logTail(name: string, lines = 15): string {
    const file = this.logFile(name);
    if (!existsSync(file)) return "(no log)";
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  async #spawn({ name, netns, argv, env, ready }: ProcessSpec, deaths?: readonly number[]): Promise<void> {
    const spec = { name, argv, env, ...(netns !== undefined && { netns }), ...(ready && { ready }) };
    mkdirSync(this.directory, { recursive: true });
    const log = openSync(this.logFile(spec.name), "a");
    const [file = "", ...args] = netns === undefined ? argv : inNetns(netns, argv);
    const child = spawn(file, args, {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: "/",
      env: { ...spec.env },
    });
    closeSync(log);
    if (child.pid === undefined) {
      const [cause]: unknown[] = await once(child, "error");
      throw new Error(`${spec.name} cannot be started: ${file} ${String(cause)}`, { cause });
    }
    child.unref();
    const startTime = processState(child.pid)?.startTime ?? "";
    this.#write({ ...spec, pid: child.pid, startTime, ...(deaths && { deaths }) });
  }

  /** Writes a new file and renames it into place, so that a reader sees either the whole new record or the old one. */
  #write(record: ProcessRecord): void {
    const written = this.#file(record.name, `json.${process.pid}`);
    writeFileSync(written, `${JSON.stringify(record, undefined, 2)}\n`);
    renameSync(written, this.#file(record.name, "json"));
  }

  #expectAlive(name: string): void {
    if (!this.isAlive(name))
      throw new Error(`${name} died while starting; the end of its log:\n${this.logTail(name)}`);
  }

  #alivePid(name: string): number[] {
    const record = this.find(name);
    return record && isRunning(record.pid, record.startTime) ? [record.pid] : [];
  }

  #file(name: string, suffix: string): string {
    return join(this.directory, `${name}.${suffix}`);
  }
}

/** Whether something listens at the port or socket. A file that is not a socket only needs to exist. */
async function isThere(place: number | string): Promise<boolean> {
  const file = typeof place === "string" ? statSync(place, { throwIfNoEntry: false }) : undefined;
  if (typeof place === "string" && !file?.isSocket()) return file !== undefined;
  const answer = Promise.withResolvers<boolean>();
  const connection = typeof place === "string" ? connect(place) : connect(place, "127.0.0.1");
  connection.once("connect", () => answer.resolve(true));
  // The socket file of a killed server refuses connections.
  connection.once("error", () => answer.resolve(false));
  const accepted = await answer.promise;
  connection.destroy();
  return accepted;
}
