// A relay between a client and a server on unix sockets, with which a test plays a bad network or an old server:
// counts what goes through, changes it, delays it, cuts it in pieces, stops it, cuts it off.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";

export interface Relay extends AsyncDisposable {
  /** `unix:…` of the relay. */
  readonly remote: string;
  /** How many bytes the server has sent to clients. */
  readonly bytesToClient: number;
  /** Ends every connection now. */
  cut(): void;
  /** From now on nothing passes, and connections stay open, even when one side closes: a half-open network. */
  freeze(): void;
  /** Lets pass what was held up, late, to whoever is still there. */
  thaw(): void;
}

/** What happens to one chunk on its way. */
export interface Weather {
  readonly delayMs?: number;
  /** It arrives in pieces of this size. */
  readonly pieceBytes?: number;
  /** The connection ends after this much of it. */
  readonly cutAfterBytes?: number;
}

export interface RelayOptions {
  /** The socket to listen on, when it matters which. */
  readonly path?: string;
  /** Applied to each chunk on its way to the server. */
  readonly toServer?: (chunk: Buffer) => Buffer;
  /** Applied to each chunk on its way to the client. Undefined: the connection is cut instead. */
  readonly toClient?: (chunk: Buffer) => Buffer | undefined;
  /** Asked for each chunk, both ways. */
  readonly weather?: (bytes: number) => Weather;
}

/** A relay to `target`, which is a remote `unix:…`. */
export async function startRelay(target: string, options: RelayOptions = {}): Promise<Relay> {
  const folder = await mkdtemp(join(tmpdir(), "weft-relay-"));
  const { path = join(folder, "sock") } = options;
  const sockets = new Set<Socket>();
  let bytesToClient = 0;
  let frozen: PromiseWithResolvers<void> | undefined;

  /** Passes on what comes from one side, in order, until either is gone. */
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
      await rm(folder, { recursive: true, force: true });
    },
  };
}
