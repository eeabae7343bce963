// `kubectl exec` over a WebSocket, protocols v5 and v4.channel.k8s.io: the first byte of each message is its channel.
// The outcome is sent over channel 3 as a Status. When the client leaves, the process is killed.

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { WebSocket } from "ws";
import { killGroup } from "./execute.ts";

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const mostBuffered = 1024 * 1024;
/**
 * kubectl creates its streams once it is connected, and discards what arrives for a stream before that ("Unknown stream
 * id"). A real runtime takes longer than this to start a process.
 */
export const clientReadyMs = 30;

export const execProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

export interface ExecRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** Runs the command and serves the socket until one of them ends. */
export function serveExec(socket: WebSocket, request: ExecRequest): void {
  socket.pause();
  socket.on("error", () => socket.terminate());
  setTimeout(() => {
    socket.resume();
    if (socket.readyState === socket.OPEN) serve(socket, request);
  }, clientReadyMs);
}

function serve(socket: WebSocket, request: ExecRequest): void {
  const child = start(request);
  let ended = false;
  const finish = (status: object) => {
    if (ended) return;
    ended = true;
    socket.send(message(channel.error, Buffer.from(JSON.stringify(status))));
    socket.close(1000);
  };
  if (child.stdout) forward(child.stdout, channel.stdout, socket);
  if (child.stderr) forward(child.stderr, channel.stderr, socket);
  child.stdin?.on("error", () => child.stdin?.destroy()); // the command has closed its input
  child.once("error", (error) => finish(failure("InternalError", error.message)));
  child.once("close", (code) => finish(outcome(code ?? 137)));
  socket.on("message", (data) => receive(Buffer.isBuffer(data) ? data : Buffer.from([]), child, socket));
  socket.once("close", () => {
    if (!ended && child.pid !== undefined) killGroup(child.pid);
    ended = true;
  });
}

function start({ argv, env, stdin, tty }: ExecRequest): ChildProcess {
  const [command = "", ...args] = argv;
  return spawn(command, args, {
    cwd: "/",
    env: tty ? { TERM: "xterm", ...env } : env,
    detached: true, // a process group, so that it can be killed with what it forked
    stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
}

function receive(data: Buffer, child: ChildProcess, socket: WebSocket): void {
  const payload = data.subarray(1);
  if (data[0] === channel.close && payload[0] === channel.stdin) child.stdin?.end();
  if (data[0] !== channel.stdin || !child.stdin?.writable) return;
  if (child.stdin.write(payload)) return;
  socket.pause();
  child.stdin.once("drain", () => socket.resume());
}

function forward(stream: Readable, number: number, socket: WebSocket): void {
  stream.on("data", (chunk: Buffer) => {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(message(number, chunk), () => {
      if (socket.bufferedAmount < mostBuffered) stream.resume();
    });
    if (socket.bufferedAmount >= mostBuffered) stream.pause();
  });
}

export function message(number: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number]), payload]);
}

export const success = { metadata: {}, status: "Success" } as const;

function outcome(code: number): object {
  if (code === 0) return success;
  const status = failure(
    "NonZeroExitCode",
    `command terminated with non-zero exit code: exit status ${code}`,
  );
  return { ...status, details: { causes: [{ reason: "ExitCode", message: String(code) }] } };
}

function failure(reason: string, text: string): object {
  return { metadata: {}, status: "Failure", reason, message: text };
}

/**
 * The command with a terminal of its own, provided by `script` inside the container: a session must begin in the pid
 * namespace of its processes. The terminal's size cannot be changed from here.
 */
export function withTerminal(command: readonly string[]): readonly string[] {
  return [
    "script",
    "--quiet",
    "--return",
    "--flush",
    "--command",
    command.map(quoted).join(" "),
    "/dev/null",
  ];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
