// The unix socket on which the CNI executable asks. Only root may connect: whoever can, can plug any namespace into
// the network as any pod of this node.

import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Answer } from "./commands.ts";

/** A network configuration has a few hundred bytes; this also bounds what GC may list. */
const longestRequest = 4 * 1024 * 1024;

export type Answerer = (line: string, gone: AbortSignal) => Promise<Answer>;

/** Listens at `path` until `signal` is aborted. Resolves when it listens. */
export async function serveCni(path: string, answer: Answerer, signal: AbortSignal): Promise<Server> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  // Left by an agent that died; a living one would have been told to stop before this one started.
  await rm(path, { force: true });
  const server = createServer((socket) => serve(socket, answer));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  signal.addEventListener("abort", () => server.close());
  return server;
}

function serve(socket: Socket, answer: Answerer): void {
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
    void answer(text.slice(0, end < 0 ? 0 : end), gone.signal).then((said) =>
      socket.end(`${JSON.stringify(said)}\n`),
    );
  });
}
