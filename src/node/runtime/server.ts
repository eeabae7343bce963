// The unix socket that the CNI executable connects to. Only root may connect, because a client can plug any namespace
// into the network as any pod of this node.

import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Answer } from "./commands.ts";

/** A network configuration has a few hundred bytes; this limit also bounds what GC may list. */
const longestRequest = 4 * 1024 * 1024;

export type Answerer = (line: string, gone: AbortSignal) => Promise<Answer>;

/** Listens at `path` until `signal` is aborted. Resolves when it listens. */
export async function serveCni(path: string, answer: Answerer, signal: AbortSignal): Promise<Server> {
  // An existing folder may be shared, like /run, and keeps its mode: the socket's own mode is what protects it.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Left by an agent that died; a living one has been stopped before this one starts.
  await rm(path, { force: true });
  const server = createServer((socket) => serve(socket, answer, signal));
  const listening = once(server, "listening", { signal });
  const before = process.umask(0o177);
  // The socket exists before `listen` returns, so it must have this mode from the start.
  server.listen({ path, signal });
  process.umask(before);
  await listening;
  return server;
}

function serve(socket: Socket, answer: Answerer, stopping: AbortSignal): void {
  const gone = new AbortController();
  let text = "";
  let asked = false;
  socket.setEncoding("utf8");
  // An executable killed by its runtime closes the socket; "close" follows every "error".
  socket.on("error", () => undefined);
  socket.on("close", () => gone.abort(new Error("the CNI executable went away")));
  socket.on("data", (chunk: string) => {
    if (asked) return;
    text += chunk;
    const end = text.indexOf("\n");
    if (end < 0 && text.length < longestRequest) return;
    asked = true;
    const nobodyWaits = AbortSignal.any([gone.signal, stopping]);
    void answer(text.slice(0, end < 0 ? 0 : end), nobodyWaits).then((said) =>
      socket.end(`${JSON.stringify(said)}\n`),
    );
  });
}
