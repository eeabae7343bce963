// A server that answers honestly, except where a test's script says something else: for what a real server does only at
// moments that no test can hit.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { JsonStream } from "../../src/ovsdb/jsonStream.ts";
import { makeFolder, removeFolder } from "./atExit.ts";
import { honestAnswer } from "./honestAnswer.ts";

export interface Asked {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** One connection, as a script sees it. */
export interface Peer {
  readonly say: (message: object) => void;
  /** Gives the honest answer. */
  readonly answer: (request: Asked) => void;
  readonly hangUp: () => void;
  /** Stops reading: whatever the client sends from now on stays unread. */
  readonly stopReading: () => void;
  /** Sends what `next` returns, as fast as it is read, until there is no more or nobody reads. */
  readonly flood: (next: () => string | undefined) => Promise<void>;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly remote: string;
  /** Every request so far, over all connections. */
  readonly asked: readonly Asked[];
  /** How many bytes it has sent by `flood`. */
  readonly flooded: number;
}

/** `script` receives each request. A request that it does not answer gets no answer. */
export async function startScriptedServer(
  script: (request: Asked, peer: Peer) => void,
): Promise<ScriptedServer> {
  const folder = await makeFolder("weft-scripted-");
  const path = join(folder, "sock");
  const sockets = new Set<Socket>();
  const asked: Asked[] = [];
  let flooded = 0;
  const flood = async (socket: Socket, next: () => string | undefined): Promise<void> => {
    const closed = new AbortController();
    socket.once("close", () => closed.abort());
    for (let text = next(); text !== undefined && !socket.destroyed; text = next()) {
      flooded += text.length;
      if (socket.write(text)) await turn();
      else await once(socket, "drain", { signal: closed.signal }).catch(() => {});
    }
  };
  const listener = createServer((socket) => {
    const requests = new JsonStream(1024 ** 2);
    const say = (message: object): void => {
      socket.write(JSON.stringify(message));
    };
    const peer: Peer = {
      say,
      answer: (request) => {
        const answer = honestAnswer(request);
        if (typeof answer === "object" && answer !== null) say(answer);
      },
      hangUp: () => socket.destroy(),
      stopReading: () => socket.pause(),
      flood: (next) => flood(socket, next),
    };
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      for (const message of requests.push(bytes)) {
        const request = requestOf(message);
        asked.push(request);
        script(request, peer);
      }
    });
  }).listen(path);
  await once(listener, "listening");
  return {
    remote: `unix:${path}`,
    asked,
    get flooded() {
      return flooded;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await removeFolder(folder);
    },
  };
}

function requestOf(message: unknown): Asked {
  if (typeof message !== "object" || message === null) throw new Error("no request");
  const { id, method, params }: { id?: unknown; method?: unknown; params?: unknown } = message;
  return { id, method: String(method), params: Array.isArray(params) ? params : [] };
}
