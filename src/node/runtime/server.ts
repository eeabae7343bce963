// The unix socket that the CNI executable connects to. Only root may connect, because a client can plug any namespace
// into the network as any pod of this node.

import { once } from "node:events";
import { type FSWatcher, watch } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Answer } from "./commands.ts";

/** A network configuration has a few hundred bytes; this limit also bounds what GC may list. */
const longestRequest = 4 * 1024 * 1024;

export type Answerer = (line: string, gone: AbortSignal) => Promise<Answer>;

export interface CniServer {
  /** Tries the socket: why the executable cannot reach this agent; undefined when it can. */
  readonly unreachable: () => Promise<string | undefined>;
}

/**
 * Listens at `path` until `signal` is aborted, and listens again when somebody takes the socket away. Resolves when it
 * listens. This process must be the only agent: what is at `path` is removed.
 */
export async function serveCni(path: string, answer: Answerer, signal: AbortSignal): Promise<CniServer> {
  const listen = async (): Promise<Listening> => {
    const server = createServer((socket) => serve(socket, answer, signal));
    return {
      server,
      inode: await listenAt(path, server, signal),
      watcher: onChange(path, () => void mend()),
    };
  };
  let listening = await listen();
  let mending = Promise.resolve();
  const isThere = async (): Promise<boolean> => {
    const inode = await inodeOf(path);
    return inode !== undefined && inode === listening.inode;
  };
  const mendOnce = async (): Promise<void> => {
    if (signal.aborted || (await isThere())) return;
    listening.watcher.close();
    // Removes whatever is at `path`, so it comes first. Requests under way are still answered.
    listening.server.close();
    listening = await listen();
    void mend();
  };
  const mend = (): Promise<void> => {
    mending = mending.catch(() => undefined).then(mendOnce);
    // If it fails, unreachable() tries it again, and says why.
    mending.catch(() => undefined);
    return mending;
  };
  signal.addEventListener("abort", () => listening.watcher.close());
  // Whoever takes the socket away before the watcher is there is noticed by this look, as by the one after each repair.
  void mend();
  return {
    async unreachable() {
      try {
        await mend();
        await tried(path);
        return undefined;
      } catch (error) {
        return `the plugin cannot reach this agent: ${String(error)}`;
      }
    },
  };
}

interface Listening {
  readonly server: Server;
  readonly inode: number | undefined;
  readonly watcher: FSWatcher;
}

/** Resolves with the number of the socket's inode. */
async function listenAt(path: string, server: Server, signal: AbortSignal): Promise<number | undefined> {
  // An existing folder may be shared, like /run, and keeps its mode: the socket's own mode is what protects it.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  const ready = once(server, "listening", { signal });
  const before = process.umask(0o177);
  // The socket exists before `listen` returns, so it must have this mode from the start.
  server.listen({ path, signal });
  process.umask(before);
  await ready;
  return inodeOf(path);
}

/** Calls `changed` when something happens to `path`, or to its folder. */
function onChange(path: string, changed: () => void): FSWatcher {
  const watcher = watch(dirname(path), { persistent: false }, changed);
  watcher.on("error", changed);
  return watcher;
}

async function inodeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.ino;
}

async function tried(path: string): Promise<void> {
  const connection = connect(path);
  try {
    await once(connection, "connect");
  } finally {
    connection.destroy();
  }
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
