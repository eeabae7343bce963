// Runs the few programs the agent needs (ip, nft, ethtool, ovs-ofctl): input on stdin, a time limit, and an error that
// says what ran and what it printed.

import { spawn } from "node:child_process";

/** A program that exited with a status other than 0, could not start, or ran out of time. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** What the program printed on stderr. */
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}

export interface RunOptions {
  readonly stdin?: string;
  /** Path of the network namespace to run in; the agent's own by default. */
  readonly netns?: string;
  readonly timeoutMs?: number;
  /** What an error calls the command, where the arguments would tell nobody anything. */
  readonly title?: string;
}

export type Run = (argv: readonly [string, ...string[]], options?: RunOptions) => Promise<string>;

/** The program's stdout. Rejects with a CommandError unless the program exits with 0. */
export const run: Run = (argv, { stdin = "", netns, timeoutMs = 20_000, title = argv.join(" ") } = {}) =>
  new Promise((resolve, reject) => {
    const [command, ...args] = netns === undefined ? argv : (["nsenter", `--net=${netns}`, ...argv] as const);
    const child = spawn(command, args);
    // Not spawn's own `timeout`, whose timer keeps a process alive for that long after a program that does not exist.
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    // A program that exits before it has read its input breaks the pipe; its exit status is the error to report.
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new CommandError(`${title}: ${error.message}`, ""));
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      const output = Buffer.concat(err).toString("utf8").trim();
      if (status === 0) return resolve(Buffer.concat(out).toString("utf8"));
      const ending =
        signal === "SIGKILL" ? `no end within ${timeoutMs / 1000} s` : `exit ${status ?? signal}`;
      return reject(new CommandError(`${title}: ${ending}: ${output.replaceAll("\n", "; ")}`, output));
    });
    child.stdin.end(stdin);
  });
