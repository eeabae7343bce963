// JSON-RPC 1.0 over a stream, as RFC 7047 section 4 uses it: requests both ways, notifications from the server, and
// answers to the peer's `echo`. An instance lives as long as its stream. It ends once, with a reason, and every
// request still open is then rejected.

import type { Duplex } from "node:stream";
import { connectionError } from "./connectionError.ts";
import { deferred } from "./deferred.ts";
import { givenUp, isOvsdbError, OvsdbError, serverError } from "./errors.ts";
import { exactText } from "./exactJson.ts";
import { JsonStream } from "./jsonStream.ts";

export interface RpcHandlers {
  /** The peer's name, for messages. */
  readonly peer: string;
  /** Bytes arrived: the peer is alive. */
  readonly received: () => void;
  readonly notification: (method: string, params: readonly unknown[]) => void;
  /** Called once, at the end. */
  readonly closed: (reason: OvsdbError) => void;
}

interface OpenRequest {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: OvsdbError) => void;
}

const maxMessageBytes = 1024 ** 3;

/** How many bytes of our answers the server may leave unread. */
const maxUnreadBytes = 16 * 1024 ** 2;

/** JSON writes only these characters so, unless the backslash is itself escaped. */
const unsendable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** The most that Node reads at once. */
const fullChunkBytes = 64 * 1024;

export class Rpc {
  readonly #stream: Duplex;
  readonly #handlers: RpcHandlers;
  readonly #incoming = new JsonStream(maxMessageBytes);
  readonly #requests = new Map<number, OpenRequest>();
  #outgoing: string[] = [];
  #lastId = 0;
  #closed: OvsdbError | undefined;

  constructor(stream: Duplex, handlers: RpcHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    stream.on("data", (bytes: Buffer) => this.#receive(bytes));
    stream.on("error", (cause) => this.close(connectionError(cause)));
    stream.on("close", () =>
      this.close(new OvsdbError("connection lost", "the server closed the connection")),
    );
  }

  /**
   * The result of `method`. Rejects with the server's error, with the reason that ended the connection, or with
   * "canceled" as soon as `signal` is aborted: then the server is asked to give up too (RFC 7047, section 4.1.4).
   */
  request(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const text = exactText(params);
    // The server's parser would end the connection, and with it everyone else's requests.
    if (unsendable.test(text))
      return Promise.reject(
        new OvsdbError("invalid value", `${method}: a string with NUL or a broken surrogate`),
      );
    return this.requestText(method, text, signal);
  }

  /** The same, with `params` as the JSON of the array. */
  requestText(method: string, params: string, signal?: AbortSignal): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const answer = `an answer to ${method} from ${this.#handlers.peer}`;
    if (signal?.aborted) return Promise.reject(givenUp(answer, signal));
    const id = ++this.#lastId;
    const { promise, resolve, reject } = deferred<unknown>();
    this.#requests.set(id, { method, resolve, reject });
    this.#sendText(`{"id":${id},"method":${JSON.stringify(method)},"params":${params}}`);
    return signal ? this.#unlessAborted(promise, id, answer, signal) : promise;
  }

  /** The request stays registered, because an answer will still arrive. */
  async #unlessAborted(
    reply: Promise<unknown>,
    id: number,
    answer: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { promise, reject } = deferred<never>();
    const abort = (): void => {
      if (!this.#closed) this.#send({ id: null, method: "cancel", params: [id] });
      reject(givenUp(answer, signal, "unknown"));
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([reply, promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** The methods of the requests that have no answer yet. */
  get unanswered(): readonly string[] {
    return [...this.#requests.values()].map(({ method }) => method);
  }

  /** Ends the connection for `reason`. */
  close(reason: OvsdbError): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#stream.destroy();
    // Whatever ended the connection, an open request may have been carried out.
    const lost = new OvsdbError(reason.code === "closed" ? "closed" : "connection lost", reason.message, {
      cause: reason,
      outcome: "unknown",
    });
    for (const request of this.#requests.values()) request.reject(lost);
    this.#requests.clear();
    this.#handlers.closed(reason);
  }

  #send(message: object): void {
    this.#sendText(JSON.stringify(message));
  }

  /** Messages of one turn of the event loop leave in one write. */
  #sendText(message: string): void {
    this.#outgoing.push(message);
    if (this.#outgoing.length > 1) return;
    queueMicrotask(() => {
      const text = this.#outgoing.join("");
      this.#outgoing = [];
      if (!this.#closed) this.#stream.write(text);
    });
  }

  #receive(bytes: Buffer): void {
    if (this.#closed) return;
    this.#handlers.received();
    // More data waits behind a full chunk, and libuv would deliver dozens of chunks before anything else gets its
    // turn.
    if (bytes.length >= fullChunkBytes) {
      this.#stream.pause();
      setImmediate(() => this.#stream.resume());
    }
    try {
      for (const message of this.#incoming.push(bytes)) this.#dispatch(message);
    } catch (cause) {
      this.close(
        isOvsdbError(cause)
          ? cause
          : new OvsdbError("protocol error", `malformed message: ${String(cause)}`, { cause }),
      );
    }
  }

  #dispatch(message: unknown): void {
    if (typeof message !== "object" || message === null || !("id" in message))
      throw new OvsdbError("protocol error", "message without id");
    const { id } = message;
    if ("method" in message) {
      const params = "params" in message && Array.isArray(message.params) ? message.params : undefined;
      if (typeof message.method !== "string" || !params)
        throw new OvsdbError("protocol error", "request without method or params");
      if (id === null) this.#handlers.notification(message.method, params);
      else this.#answer(id, message.method, params);
      return;
    }
    const request = typeof id === "number" ? this.#requests.get(id) : undefined;
    if (!request || typeof id !== "number") throw new OvsdbError("protocol error", "reply to no request");
    this.#requests.delete(id);
    if ("error" in message && message.error !== null)
      request.reject(refusal(serverError(message.error, request.method)));
    else request.resolve("result" in message ? message.result : null);
  }

  #answer(id: unknown, method: string, params: readonly unknown[]): void {
    if (this.#stream.writableLength > maxUnreadBytes)
      throw new OvsdbError("protocol error", "the server asks without reading the answers");
    if (method === "echo") this.#send({ id, result: params, error: null });
    else this.#send({ id, result: null, error: { error: "unknown method" } });
  }
}

/**
 * A "canceled" that the caller did not ask for is how a relay reports that it lost its source, after it had passed
 * the transaction on and before the answer.
 */
const refusal = (error: OvsdbError): OvsdbError =>
  error.code === "canceled"
    ? new OvsdbError("connection lost", `${error.message}: the server has lost its own connection`, {
        cause: error,
        outcome: "unknown",
      })
    : error;
