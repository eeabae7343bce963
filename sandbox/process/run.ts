// Runs a short command to its end, with a time limit. Collects its output. If it fails, the error says which command it
// was and what it printed.

import { spawn } from "node:child_process";

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Undefined for a command that a signal has killed (128 + the signal's number is not computed). */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly argv: readonly string[];
  readonly result: RunResult | undefined;

  constructor(argv: readonly string[], result: RunResult | undefined, cause?: unknown) {
    const printed = result && (result.stderr.trim() || result.stdout.trim());
    const why =
      result === undefined
        ? String(cause instanceof Error ? cause.message : cause)
        : `exit status ${result.status ?? "none (killed)"}${printed ? `: ${printed}` : ""}`;
    super(`${argv.join(" ")}: ${why}`, { cause });
    this.argv = argv;
    this.result = result;
  }
}

/** The command's result, whatever its exit status. Rejects with CommandError when it cannot be started. */
export async function tryRun(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file = "", ...args] = argv;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  const child = spawn(file, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    killSignal: "SIGKILL",
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A command that ends without reading its input breaks the pipe. Its exit status tells more than that error.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const ended = Promise.withResolvers<number | undefined>();
  child.once("error", (cause) => ended.reject(new CommandError(argv, undefined, cause)));
  child.once("close", (status) => ended.resolve(status ?? undefined));
  const status = await ended.promise;
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** What the command printed on standard output. Rejects with CommandError when it fails. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(argv, options);
  if (result.status !== 0) throw new CommandError(argv, result);
  return result.stdout;
}
