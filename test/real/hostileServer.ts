// A server that speaks OVSDB well enough to be believed, and then mutates what it says: answers on the way, and after
// the handshake a stream of updates nobody would send.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { JsonStream } from "../../src/ovsdb/jsonStream.ts";
import { mutated } from "./mutate.ts";
import type { SeededRandom } from "./random.ts";

export interface HostileServer extends AsyncDisposable {
  readonly remote: string;
  /** How many mutated messages it has sent. */
  readonly sent: number;
  /** From now on it is an honest server, with one row in Address_Set, of the name `honest`. */
  repent(): void;
}

const string = { type: "string" };
const optional = (type: string): object => ({ type: { key: type, min: 0, max: 1 } });

const schemas: Readonly<Record<string, unknown>> = {
  OVN_Northbound: {
    name: "OVN_Northbound",
    version: "7.0.0",
    tables: {
      Address_Set: {
        columns: {
          name: string,
          addresses: { type: { key: "string", min: 0, max: "unlimited" } },
          external_ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        },
        indexes: [["name"]],
        isRoot: true,
      },
      NB_Global: { columns: { nb_cfg: { type: "integer" }, ipsec: { type: "boolean" } }, isRoot: true },
    },
  },
  _Server: {
    name: "_Server",
    version: "1.2.0",
    tables: {
      Database: {
        columns: {
          name: string,
          model: { type: { key: { type: "string", enum: ["set", ["clustered", "relay", "standalone"]] } } },
          connected: { type: "boolean" },
          leader: { type: "boolean" },
          schema: optional("string"),
          cid: optional("uuid"),
          sid: optional("uuid"),
          index: optional("integer"),
        },
      },
    },
  },
};

const rowUuid = "11111111-1111-4111-8111-111111111111";
const transaction = "22222222-2222-4222-8222-222222222222";
const row = {
  name: "honest",
  addresses: ["set", ["10.0.0.1", "10.0.0.2"]],
  external_ids: ["map", [["k", "v"]]],
};
const server = { name: "OVN_Northbound", model: "standalone", connected: true, leader: true };

const contents: Readonly<Record<string, unknown>> = {
  OVN_Northbound: { Address_Set: { [rowUuid]: { insert: row } } },
  _Server: { Database: { [rowUuid]: { insert: server } } },
};

/** What it tells unasked, before it is mutated. */
const updates: readonly unknown[] = [
  { Address_Set: { [rowUuid]: { modify: { addresses: "10.0.0.3", external_ids: ["map", [["k", "w"]]] } } } },
  { Address_Set: { [transaction]: { insert: row }, [rowUuid]: { delete: null } } },
  { NB_Global: { [rowUuid]: { insert: { nb_cfg: 7, ipsec: true } } } },
].map((tables) => ({ id: null, method: "update3", params: ["1", transaction, tables] }));
const others: readonly unknown[] = [
  { id: null, method: "update2", params: ["1", { Address_Set: { [rowUuid]: { initial: row } } }] },
  { id: null, method: "update3", params: ["_Server", transaction, contents._Server] },
  { id: null, method: "monitor_canceled", params: ["1"] },
  { id: null, method: "locked", params: ["lock"] },
  { id: "echo", method: "echo", params: [1, "two"] },
  { id: 999_999, result: [], error: null },
];

export async function startHostileServer(random: SeededRandom): Promise<HostileServer> {
  const folder = await mkdtemp(join(tmpdir(), "weft-hostile-"));
  const path = join(folder, "sock");
  const sockets = new Set<Socket>();
  const repented = new AbortController();
  let sent = 0;

  function say(socket: Socket, message: unknown, share: number): void {
    const lie = !repented.signal.aborted && random.next() < share;
    if (lie) sent++;
    socket.write(lie ? mutated(message, random) : JSON.stringify(message));
  }

  /** Goes on for as long as it is listened to, and then hangs up: no request is to wait for ever. */
  async function harass(socket: Socket): Promise<void> {
    for (let index = 0; index < 40 && !repented.signal.aborted && !socket.destroyed; index++) {
      say(socket, random.pick(random.next() < 0.8 ? updates : others), 1);
      await turn();
    }
    if (!repented.signal.aborted) socket.destroy();
  }

  const listener = createServer((socket) => {
    const requests = new JsonStream(1024 ** 2);
    let believed = false;
    let harassing = false;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      for (const request of requests.push(bytes)) {
        const answer = answerTo(request);
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
    repent() {
      repented.abort();
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whoever sends one is through with the handshake. */
const isTransact = (request: unknown): boolean =>
  typeof request === "object" && request !== null && "method" in request && request.method === "transact";

/** The honest answer; undefined for what needs none. */
function answerTo(request: unknown): unknown {
  if (typeof request !== "object" || request === null || !("method" in request && "params" in request))
    return;
  const id = "id" in request ? request.id : null;
  if (id === null || !Array.isArray(request.params)) return;
  const [database, , tables]: unknown[] = request.params;
  const empty = typeof tables === "object" && tables !== null && Object.keys(tables).length === 0;
  const rows = empty ? {} : contents[String(database)];
  const results: Readonly<Record<string, unknown>> = {
    get_schema: schemas[String(database)],
    monitor_cond_since: [false, transaction, rows],
    monitor_cond: rows,
    transact: [{ uuid: ["uuid", rowUuid] }, { count: 1 }],
    echo: request.params,
  };
  return { id, result: results[String(request.method)] ?? {}, error: null };
}
