// Runs one program to its end and keeps its output: CNI plugins and exec probes. Unlike process/run.ts it gives the
// program exactly the specified environment, and kills the whole process group when the time is over.

import { spawn } from "node:child_process";

export interface ExecuteOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

export interface Execution {
  /** The exit code. 128 + signal number when a signal ended it, as a shell counts. */
  readonly code: number;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Rejects only when the program cannot be started. After the time limit the whole process group is killed. */
export function execute(argv: readonly string[], options: ExecuteOptions): Promise<Execution> {
  const [command = "", ...args] = argv;
  const { promise, resolve, reject } = Promise.withResolvers<Execution>();
  const child = spawn(command, args, {
    cwd: "/",
    env: options.env ?? process.env,
    detached: true, // a process group of its own, so that what it forked can be killed with it
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) killGroup(child.pid);
    // A grandchild that left the group may hold the pipes open. Nobody waits for it.
    child.stdout.destroy();
    child.stderr.destroy();
  }, options.timeoutMs);
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => child.stdin.destroy()); // it did not want its input
  child.stdin.end(options.input ?? "");
  child.once("error", (error) => {
    clearTimeout(timer);
    reject(error);
  });
  child.once("close", (code, signal) => {
    clearTimeout(timer);
    resolve({
      code: code ?? signalCode(signal),
      timedOut,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    });
  });
  return promise;
}

/** Kills a process group. It may already be gone. */
export function killGroup(leader: number, signal: NodeJS.Signals = "SIGKILL"): void {
  send(-leader, signal);
}

/** Sends a signal to a process, or to a group if `pid` is negative. Returns false when there is no such process. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

function signalCode(signal: NodeJS.Signals | null): number {
  return signal === "SIGKILL" ? 137 : signal === "SIGTERM" ? 143 : 128;
}
