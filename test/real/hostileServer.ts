// A server that speaks OVSDB well enough to be believed, and then mutates its messages: answers during the handshake,
// and after it a stream of updates that nobody would send.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { JsonStream } from "../../src/ovsdb/jsonStream.ts";
import { makeFolder, removeFolder } from "./atExit.ts";
import { contents, honestAnswer, honestRow, rowUuid, transactionId } from "./honestAnswer.ts";
import { mutated } from "./mutate.ts";
import type { SeededRandom } from "./random.ts";

export interface HostileServer extends AsyncDisposable {
  readonly remote: string;
  /** How many mutated messages it has sent. */
  readonly sent: number;
  readonly connections: number;
  /** From now on it is an honest server, with one row named `honest` in Address_Set. */
  repent(): void;
}

/** What it sends unasked, before mutation. */
const updates: readonly unknown[] = [
  { Address_Set: { [rowUuid]: { modify: { addresses: "10.0.0.3", external_ids: ["map", [["k", "w"]]] } } } },
  { Address_Set: { [transactionId]: { insert: honestRow }, [rowUuid]: { delete: null } } },
  { NB_Global: { [rowUuid]: { insert: { nb_cfg: 7, ipsec: true } } } },
].map((tables) => ({ id: null, method: "update3", params: ["1", transactionId, tables] }));
const others: readonly unknown[] = [
  { id: null, method: "update2", params: ["1", { Address_Set: { [rowUuid]: { initial: honestRow } } }] },
  { id: null, method: "update3", params: ["_Server", transactionId, contents._Server] },
  { id: null, method: "monitor_canceled", params: ["1"] },
  { id: null, method: "locked", params: ["lock"] },
  { id: "echo", method: "echo", params: [1, "two"] },
  { id: 999_999, result: [], error: null },
];

export async function startHostileServer(random: SeededRandom): Promise<HostileServer> {
  const folder = await makeFolder("weft-hostile-");
  const path = join(folder, "sock");
  const sockets = new Set<Socket>();
  const repented = new AbortController();
  let sent = 0;
  let connections = 0;

  function say(socket: Socket, message: unknown, share: number): void {
    const lie = !repented.signal.aborted && random.next() < share;
    if (lie) sent++;
    socket.write(lie ? mutated(message, random) : JSON.stringify(message));
  }

  /** Continues while the client listens, and then hangs up, because no request should wait for ever. */
  async function harass(socket: Socket): Promise<void> {
    for (let index = 0; index < 40 && !repented.signal.aborted && !socket.destroyed; index++) {
      say(socket, random.pick(random.next() < 0.8 ? updates : others), 1);
      // The first turn delivers the message, and the second one the news that nobody listens any more.
      await turn();
      await turn();
    }
    if (!repented.signal.aborted) socket.destroy();
  }

  const listener = createServer((socket) => {
    const requests = new JsonStream(1024 ** 2);
    connections++;
    let believed = false;
    let harassing = false;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      for (const request of requests.push(bytes)) {
        const answer = honestAnswer(request);
        if (answer) say(socket, answer, 0.05);
        believed ||= isTransact(request);
      }
      if (!believed || harassing) return;
      harassing = true;
      harass(socket).catch((error: unknown) => socket.destroy(new Error("harass", { cause: error })));
    });
  }).listen(path);
  await once(listener, "listening");

  return {
    remote: `unix:${path}`,
    get sent() {
      return sent;
    },
    get connections() {
      return connections;
    },
    repent() {
      repented.abort();
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await removeFolder(folder);
    },
  };
}

/** A client that sends one has completed the handshake. */
const isTransact = (request: unknown): boolean =>
  typeof request === "object" && request !== null && "method" in request && request.method === "transact";
