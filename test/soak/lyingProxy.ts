// Stands between one client and the sandbox's real API server, and passes everything on until it is told to lie. Then
// lists say what LyingApi's lists say (contract/lyingApi.ts), of every kind that Weft reads; what exists can still be
// asked for by name, and writes arrive. At the beginning and the end of a lie all watches break, and list again.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import { json as bodyOf } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type Json, list, record } from "../../src/kube/json.ts";
import { lies } from "../contract/lyingApi.ts";

export const sayings = ["the truth", ...lies, "another", "broken"] as const;
export type Saying = (typeof sayings)[number];

export interface Upstream {
  readonly socketPath: string;
  readonly ca: string;
  readonly token: string;
}

/** Weft's Leases, and so its leaders, are left alone: they are no lists. */
const kindsLiedAbout = /\/(nodes|pods|services|endpointslices|namespaces|networkpolicies|servicecidrs)$/;
const tellsClustersApart = "/api/v1/namespaces/kube-system";

/** Of lists that an empty server of another cluster sends. */
const versionElsewhere = "7";

export class LyingProxy implements AsyncDisposable {
  readonly #upstream: Upstream;
  readonly #agent: Agent;
  readonly #server: Server;
  #saying: Saying = "the truth";
  readonly #watches = new Set<ServerResponse>();
  /** Collections that have to be listed before they are watched again. */
  readonly #unlisted = new Set<string>();
  readonly #watched = new Set<string>();
  /** collection -> its last honest list */
  readonly #former = new Map<string, Json>();
  /** collection -> what lists show while they are older */
  #older: ReadonlyMap<string, Json> = new Map();
  #count = 0;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.#agent = new Agent({ keepAlive: true });
    this.#server = createServer((asked, response) => {
      this.#answer(asked, response).catch(() => response.destroy());
    });
  }

  /** `place` is a port of 127.0.0.1, or the path of a unix socket. */
  async listen(place: number | string): Promise<void> {
    if (typeof place === "number") this.#server.listen(place, "127.0.0.1");
    else this.#server.listen(place);
    await once(this.#server, "listening");
  }

  /** What lists say from now on. */
  say(saying: Saying): void {
    this.#older = new Map(this.#former);
    this.#saying = saying;
    for (const collection of this.#watched) this.#unlisted.add(collection);
    for (const response of this.#watches) response.destroy();
    this.#watches.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await once(this.#server, "close");
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(asked.url ?? "/", "http://proxy");
    const isRead = asked.method === "GET";
    const said = this.#saying;
    if (said === "broken" && this.#count++ % 3 > 0) {
      if (this.#count % 2 > 0) return void asked.socket.destroy();
      return refuse(response, 500, "InternalError");
    }
    if (said === "another" && !(isRead && kindsLiedAbout.test(url.pathname))) {
      if (isRead && url.pathname === tellsClustersApart)
        return send(response, 200, { metadata: { name: "kube-system", uid: "another" } });
      return refuse(response, 404, "NotFound");
    }
    if (!isRead || !kindsLiedAbout.test(url.pathname)) return this.#pass(asked, response);
    return url.searchParams.has("watch")
      ? this.#watch(url, asked, response)
      : this.#list(url, asked, response);
  }

  async #list(url: URL, asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const said = this.#saying;
    const collection = collectionOf(url);
    if (said === "not served") return refuse(response, 404, "NotFound");
    const empty = { metadata: { resourceVersion: versionElsewhere }, items: [] };
    if (said === "another") return this.#listed(collection, response, empty);
    const answer = await this.#ask(asked, response);
    const status = answer.statusCode ?? 500;
    const truth = record(await bodyOf(answer));
    if (status !== 200) return send(response, status, truth);
    const isWhole = record(truth.metadata).continue === undefined && !url.searchParams.has("continue");
    if (said === "the truth" && isWhole) this.#former.set(collection, truth);
    const items = list(truth.items);
    if (said === "nothing") return this.#listed(collection, response, { ...truth, items: [] });
    if (said === "less")
      return this.#listed(collection, response, {
        ...truth,
        items: items.filter((_, index) => index % 2 > 0),
      });
    const shown = said === "older" ? (this.#older.get(collection) ?? truth) : truth;
    return this.#listed(collection, response, shown);
  }

  #listed(collection: string, response: ServerResponse, body: Json): void {
    this.#unlisted.delete(collection);
    send(response, 200, body);
  }

  /** Without streamed lists (KEP-3157) of what is served, so that all lists are answered above. */
  async #watch(url: URL, asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const said = this.#saying;
    if (said === "not served") return refuse(response, 404, "NotFound");
    if (url.searchParams.has("sendInitialEvents")) {
      const answer = await this.#ask(asked, response, `${url.pathname}?limit=1`);
      answer.resume();
      const isServed = answer.statusCode === 200;
      return isServed ? refuse(response, 422, "Invalid") : refuse(response, 404, "NotFound");
    }
    const collection = collectionOf(url);
    this.#watched.add(collection);
    if (this.#unlisted.has(collection)) return refuse(response, 410, "Expired");
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
    if (said !== "another" && said !== "older") return this.#pass(asked, response);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
  }

  async #pass(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#ask(asked, response);
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    response.flushHeaders();
    await pipeline(answer, response);
  }

  /** The server's answer. It is broken off when the client goes. */
  async #ask(asked: IncomingMessage, response: ServerResponse, path = asked.url): Promise<IncomingMessage> {
    const { socketPath, ca, token } = this.#upstream;
    const onward = request({
      socketPath,
      ca,
      agent: this.#agent,
      servername: "localhost",
      path,
      method: asked.method,
      headers: { ...asked.headers, host: "localhost", authorization: `Bearer ${token}` },
    });
    response.once("close", () => onward.destroy());
    const answered = once(onward, "response");
    await Promise.all([pipeline(asked, onward), answered]);
    const [answer]: IncomingMessage[] = await answered;
    if (!answer) throw new Error("no answer");
    return answer;
  }
}

/** Which objects are asked for. */
const collectionOf = ({ pathname, searchParams }: URL): string =>
  [pathname, searchParams.get("labelSelector"), searchParams.get("fieldSelector")].join(" ");

function send(response: ServerResponse, code: number, body: Json): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const refuse = (response: ServerResponse, code: number, reason: string): void =>
  send(response, code, {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    reason,
    code,
    message: reason,
  });
