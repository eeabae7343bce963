// A relay between a client and a server on unix sockets, with which a test simulates a bad network or an old server: it
// counts what passes through, changes it, delays it, cuts it into pieces, stops it, or cuts the connection.

import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { makeFolder, removeFolder } from "./atExit.ts";

export interface Relay extends AsyncDisposable {
  /** The relay's own address, `unix:…`. */
  readonly remote: string;
  /** How many bytes the server has sent to clients. */
  readonly bytesToClient: number;
  /** Ends every connection now. */
  cut(): void;
  /** From now on nothing passes, and connections stay open even when one side closes: a half-open network. */
  freeze(): void;
  /** Delivers, late, what was held up, to those who are still there. */
  thaw(): void;
}

/** What happens to one chunk on its way. */
export interface Weather {
  readonly delayMs?: number;
  /** It arrives in pieces of this size. */
  readonly pieceBytes?: number;
  /** The connection ends after this many bytes of it. */
  readonly cutAfterBytes?: number;
}

export interface RelayOptions {
  /** The socket to listen on, if it matters. */
  readonly path?: string;
  /** Applied to each chunk on its way to the server. */
  readonly toServer?: (chunk: Buffer) => Buffer;
  /** Applied to each chunk on its way to the client. Undefined: the connection is cut instead. */
  readonly toClient?: (chunk: Buffer) => Buffer | undefined;
  /** Called for each chunk, in both directions. */
  readonly weather?: (bytes: number) => Weather;
}

/** A relay to the remote `target`, `unix:…`. */
export async function startRelay(target: string, options: RelayOptions = {}): Promise<Relay> {
  const folder = await makeFolder("weft-relay-");
  const { path = join(folder, "sock") } = options;
  const sockets = new Set<Socket>();
  let bytesToClient = 0;
  let frozen: PromiseWithResolvers<void> | undefined;

  /** Passes on what comes from one side, in order, until either side is gone. */
  async function pass(
    from: Socket,
    to: Socket,
    change: (chunk: Buffer) => Buffer | undefined,
  ): Promise<void> {
    for await (const received of from) {
      const { delayMs, pieceBytes, cutAfterBytes } = options.weather?.(received.length) ?? {};
      if (delayMs !== undefined) await sleep(delayMs);
      if (frozen) await frozen.promise;
      const chunk = change(received)?.subarray(0, cutAfterBytes);
      if (!chunk) return;
      for (let at = 0; at < chunk.length; at += pieceBytes ?? chunk.length) {
        if (!to.write(chunk.subarray(at, at + (pieceBytes ?? chunk.length)))) await once(to, "drain");
        if (pieceBytes !== undefined) await turn();
      }
      if (cutAfterBytes !== undefined) return;
    }
    if (frozen) await frozen.promise;
  }

  const server = createServer((client) => {
    const upstream = createConnection(target.replace(/^unix:/, ""));
    const end = (): void => {
      for (const socket of [client, upstream]) {
        socket.destroySoon();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, upstream]) sockets.add(socket.on("error", end));
    const toServer = pass(client, upstream, (chunk) => options.toServer?.(chunk) ?? chunk);
    const toClient = pass(upstream, client, (chunk) => {
      bytesToClient += chunk.length;
      return options.toClient ? options.toClient(chunk) : chunk;
    });
    for (const direction of [toServer, toClient]) direction.then(end, end);
  }).listen(path);
  await once(server, "listening");

  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const thaw = (): void => {
    frozen?.resolve();
    frozen = undefined;
  };
  return {
    remote: `unix:${path}`,
    get bytesToClient() {
      return bytesToClient;
    },
    cut,
    freeze: () => {
      frozen ??= Promise.withResolvers<void>();
    },
    thaw,
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      thaw();
      await removeFolder(folder);
    },
  };
}
