// DNS over UDP and TCP on the given addresses. Each address has a socket of its own: a UDP answer must come from the
// address that was asked, or no balancer translates it back.

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, type Socket } from "node:net";

export type Answer = (message: Buffer, limited: boolean) => Promise<Buffer | undefined> | Buffer | undefined;

/** RFC 7766: a client may send several queries over one connection, but an idle one is not kept for ever. */
const idleMs = 30_000;

/** Listens until `signal` aborts. */
export async function serveDns(
  addresses: readonly string[],
  port: number,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  for (const address of addresses) {
    const datagrams = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const reply = async (message: Buffer, to: RemoteInfo): Promise<void> => {
      const said = await answer(message, true);
      if (said) datagrams.send(said, to.port, to.address, () => undefined); // a client that is gone
    };
    datagrams.on("message", (message, from) => void reply(message, from));
    datagrams.bind(port, address);
    await once(datagrams, "listening", { signal });
    const streams = createServer((client) => serveStream(client, answer));
    streams.listen(port, address);
    await once(streams, "listening", { signal });
    signal.addEventListener("abort", () => {
      datagrams.close();
      streams.close();
    });
  }
}

/** Each message is preceded by its length in two bytes. */
function serveStream(client: Socket, answer: Answer): void {
  let waiting = Buffer.alloc(0);
  client.on("error", () => client.destroy());
  client.setTimeout(idleMs, () => client.destroy());
  const reply = async (query: Buffer): Promise<void> => {
    const said = await answer(query, false);
    if (!said || client.destroyed) return void client.destroy();
    const length = Buffer.alloc(2);
    length.writeUInt16BE(said.length);
    client.write(Buffer.concat([length, said]));
  };
  client.on("data", (chunk) => {
    waiting = Buffer.concat([waiting, Buffer.from(chunk)]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const end = 2 + waiting.readUInt16BE(0);
      void reply(waiting.subarray(2, end));
      waiting = waiting.subarray(end);
    }
  });
}
