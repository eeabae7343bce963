// DNS over UDP and TCP, for whoever can reach it: CoreDNS. A question that cannot be answered gets none, and CoreDNS asks
// the next of its servers.

import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { formatIp } from "../model/ip.ts";
import { Frames, framed } from "./frames.ts";
import type { Server, Transport } from "./upstreams.ts";

export type AnswerQuery = (query: Buffer, transport: Transport) => Promise<Buffer | undefined>;

/** Questions under way. Beyond that they are dropped: each holds a socket. And bytes of answers that a client does not read. */
const most = { questions: 2_000, connections: 500, ofConnection: 100, unread: 256 * 1024 } as const;
/** RFC 7766: a client may send several questions over one connection, but an idle one is not kept for ever. */
const idleMs = 30_000;

/** Listens until `signal` aborts. Resolves when it does; rejects when an address is taken. */
export async function serveDns(
  at: readonly Server[],
  answer: AnswerQuery,
  signal: AbortSignal,
): Promise<void> {
  let underWay = 0;
  const limited: AnswerQuery = async (query, transport) => {
    if (underWay >= most.questions) return undefined;
    underWay++;
    try {
      return await answer(query, transport);
    } finally {
      underWay--;
    }
  };
  for (const { ip, port } of at) {
    const [host, ipv6Only] = [formatIp(ip), ip.family === 6];
    const datagrams = createSocket({ type: ipv6Only ? "udp6" : "udp4", ipv6Only });
    datagrams.on("message", (query, from) => void reply(datagrams, query, from, limited));
    datagrams.bind(port, host);
    await once(datagrams, "listening", { signal });
    datagrams.on("error", () => undefined);
    const streams = createServer((client) => serveStream(client, limited));
    streams.maxConnections = most.connections;
    streams.listen({ port, host, ipv6Only });
    await once(streams, "listening", { signal });
    signal.addEventListener("abort", () => {
      datagrams.close();
      streams.close();
    });
  }
}

async function reply(
  datagrams: Datagrams,
  query: Buffer,
  { port, address }: { readonly port: number; readonly address: string },
  answer: AnswerQuery,
): Promise<void> {
  const message = await answer(query, "udp");
  try {
    if (message) datagrams.send(message, port, address, () => undefined);
  } catch {
    // Closed meanwhile.
  }
}

function serveStream(client: Socket, answer: AnswerQuery): void {
  const frames = new Frames();
  let underWay = 0;
  client.on("error", () => client.destroy());
  client.setTimeout(idleMs, () => client.destroy());
  const answerOne = async (query: Buffer): Promise<void> => {
    underWay++;
    const message = await answer(query, "tcp");
    underWay--;
    if (message && !client.destroyed) client.write(framed(message));
    else client.destroy();
    if (client.writableLength > most.unread) client.destroy();
  };
  client.on("data", (chunk) => {
    for (const query of frames.take(chunk)) {
      if (underWay >= most.ofConnection) return void client.destroy();
      void answerOne(query);
    }
  });
}
