// A relay between a client and a server on unix sockets, with which a test plays a bad network or an old server:
// counts what goes through, changes it, stops it, cuts it off.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Relay extends AsyncDisposable {
  /** `unix:…` of the relay. */
  readonly remote: string;
  /** How many bytes the server has sent to clients. */
  readonly bytesToClient: number;
  /** Ends every connection now. */
  cut(): void;
  /** From now on nothing passes, and connections stay open: a half-open network. */
  freeze(): void;
}

export interface RelayOptions {
  /** Applied to each chunk on its way to the server. */
  readonly toServer?: (chunk: Buffer) => Buffer;
  /** Applied to each chunk on its way to the client. Undefined: the connection is cut instead. */
  readonly toClient?: (chunk: Buffer) => Buffer | undefined;
}

/** A relay to `target`, which is a remote `unix:…`. */
export async function startRelay(target: string, options: RelayOptions = {}): Promise<Relay> {
  const folder = await mkdtemp(join(tmpdir(), "weft-relay-"));
  const path = join(folder, "sock");
  const sockets = new Set<Socket>();
  let bytesToClient = 0;
  let frozen = false;

  const server = createServer((client) => {
    const upstream = createConnection(target.replace(/^unix:/, ""));
    const end = (): void => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("close", end).on("error", end);
    }
    client.on("data", (chunk) => {
      if (!frozen) upstream.write(options.toServer?.(chunk) ?? chunk);
    });
    upstream.on("data", (chunk) => {
      if (frozen) return;
      bytesToClient += chunk.length;
      const passed = options.toClient ? options.toClient(chunk) : chunk;
      if (passed) client.write(passed);
      else end();
    });
  }).listen(path);
  await once(server, "listening");

  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    remote: `unix:${path}`,
    get bytesToClient() {
      return bytesToClient;
    },
    cut,
    freeze: () => {
      frozen = true;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
