// `kubectl attach`, and therefore `kubectl run -i` and `debug -it`, over a WebSocket as in exec.ts. The client gets
// everything the container has written and writes; what the client types goes to the container's input.

import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";
import type { ContainerRun } from "./container.ts";
import { channel, clientReadyMs, message, success } from "./exec.ts";
import { readLog } from "./logs.ts";

const mostBuffered = 1024 * 1024;
const drainPollMs = 10;

/** Serves the socket until this run of the container has ended or the client leaves. */
export function serveAttach(socket: WebSocket, container: ContainerRun, path: string, stdin: boolean): void {
  const gone = new AbortController();
  socket.on("error", () => socket.terminate());
  socket.once("close", () => {
    gone.abort();
    if (stdin && container.spec.stdinOnce === true) container.stdin?.end();
  });
  if (stdin)
    socket.on("message", (data) => receive(Buffer.isBuffer(data) ? data : Buffer.from([]), container));
  forward(socket, container, path, gone.signal).catch(() => socket.terminate()); // the log is gone with its pod
}

async function forward(
  socket: WebSocket,
  container: ContainerRun,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await sleep(clientReadyMs);
  const run = container.status.restartCount;
  const running = (): boolean => container.running && container.status.restartCount === run;
  const log = { follow: true, tailLines: undefined, limitBytes: undefined };
  for await (const block of readLog(path, log, running, signal)) {
    socket.send(message(channel.stdout, block));
    while (socket.bufferedAmount > mostBuffered) await sleep(drainPollMs);
  }
  if (signal.aborted) return;
  socket.send(message(channel.error, Buffer.from(JSON.stringify(success))));
  socket.close(1000);
}

function receive(data: Buffer, { stdin }: ContainerRun): void {
  const payload = data.subarray(1);
  if (data[0] === channel.close && payload[0] === channel.stdin) stdin?.end();
  if (data[0] === channel.stdin && stdin?.writable === true) stdin.write(payload);
}
