// Requests to one API server, over node:https with keep-alive. Answers are unchecked JSON (`unknown`), which the
// caller reads with json.ts. The client knows nothing about kinds; paths come from resource.ts.

import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { bytesOf, errorOf, readJson } from "./answer.ts";
import { type ClusterConfig, KubeConfigError } from "./config.ts";
import { Credentials } from "./credentials.ts";
import { KubeError } from "./error.ts";
import { History } from "./history.ts";
import { type Json, list, record, text } from "./json.ts";

export interface ClientOptions {
  /** A request without a complete answer by then fails. Watches have their own limits. */
  readonly timeoutMs?: number;
  /** A longer answer fails the request before it fills the memory. */
  readonly maxResponseBytes?: number;
  /** Sent as User-Agent: `weft/0.1.0 controller`. */
  readonly userAgent?: string;
  /** Reads the configuration anew, whose certificates and tokens may have been replaced. The server stays the same. */
  readonly reload?: () => Promise<ClusterConfig>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RequestOptions {
  readonly query?: Query;
  readonly signal?: AbortSignal;
  /** Overrides the client's. */
  readonly timeoutMs?: number;
}

export type PatchType = "merge" | "strategic" | "json";

export interface PatchOptions extends RequestOptions {
  /** JSON merge patch by default. */
  readonly type?: PatchType;
}

export interface DeleteOptions extends RequestOptions {
  /** Delete only the object with this uid; a different one of that name is a conflict. */
  readonly uid?: string;
  readonly gracePeriodSeconds?: number;
}

/** One page of a collection. */
export interface Page {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  /** Token for the next page, or "". */
  readonly continue: string;
}

const contentTypes: Readonly<Record<PatchType, string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
};

interface Body {
  readonly contentType: string;
  readonly value: unknown;
}

export class KubeClient implements Disposable {
  /** Shared by all that watch this server. */
  readonly history = new History();
  readonly #base: URL;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  readonly #maxResponseBytes: number;
  readonly #userAgent: string;

  constructor(config: ClusterConfig, options: ClientOptions = {}) {
    this.#base = baseOf(config);
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#maxResponseBytes = options.maxResponseBytes ?? 128 * 1024 * 1024;
    this.#userAgent = options.userAgent ?? "weft";
    this.#credentials = new Credentials(config, {
      reload: options.reload,
      now: () => performance.now(),
    });
  }

  /** A client with the configuration that `load` reads, now and whenever it may have changed. */
  static async reading(load: () => Promise<ClusterConfig>, options: ClientOptions = {}): Promise<KubeClient> {
    return new KubeClient(await load(), { ...options, reload: load });
  }

  /** The object or collection at `path`. All requests reject with a KubeError, or with the signal's reason. */
  get(path: string, options: RequestOptions = {}): Promise<unknown> {
    return this.#json("GET", path, options);
  }

  /** One page of the collection at `path`; `limit` and `continue` go into the query. */
  async list(path: string, options: RequestOptions = {}): Promise<Page> {
    const body = record(await this.get(path, options));
    const metadata = record(body.metadata);
    return {
      items: list(body.items),
      resourceVersion: text(metadata.resourceVersion),
      continue: text(metadata.continue),
    };
  }

  create(path: string, object: Json, options: RequestOptions = {}): Promise<unknown> {
    return this.#json("POST", path, options, { contentType: "application/json", value: object });
  }

  /** Replaces the object. If it carries a resourceVersion, a change by somebody else meanwhile is a conflict. */
  update(path: string, object: Json, options: RequestOptions = {}): Promise<unknown> {
    return this.#json("PUT", path, options, { contentType: "application/json", value: object });
  }

  /** `patch` is an object, or for type `json` a list of operations. */
  patch(path: string, patch: Json | readonly Json[], options: PatchOptions = {}): Promise<unknown> {
    const contentType = contentTypes[options.type ?? "merge"];
    return this.#json("PATCH", path, options, { contentType, value: patch });
  }

  delete(path: string, options: DeleteOptions = {}): Promise<unknown> {
    const value = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      ...(options.uid !== undefined && { preconditions: { uid: options.uid } }),
      ...(options.gracePeriodSeconds !== undefined && { gracePeriodSeconds: options.gracePeriodSeconds }),
    };
    return this.#json("DELETE", path, options, { contentType: "application/json", value });
  }

  /**
   * An answer that goes on as long as the server likes. Resolves once it has begun, and the caller iterates over it.
   * Fails when there are no headers within the client's time-out, and later when not a byte comes for `idleMs`.
   */
  async stream(
    path: string,
    options: RequestOptions & { readonly idleMs: number },
  ): Promise<AsyncIterable<Buffer>> {
    const label = `GET ${path}`;
    const deadline = this.#deadline(label, options);
    try {
      const response = await this.#open(label, "GET", path, options.query, undefined, deadline.signal);
      response.setTimeout(options.idleMs, () => {
        const message = `${label}: not a byte in ${options.idleMs} ms`;
        response.destroy(new KubeError(message, { status: 0, reason: "TimedOut" }));
      });
      return chunksOf(label, response, deadline.signal);
    } catch (error) {
      throw explained(label, error, deadline.signal);
    } finally {
      deadline.clear();
    }
  }

  /** Closes the connections; requests under way fail. */
  [Symbol.dispose](): void {
    this.#credentials[Symbol.dispose]();
  }

  async #json(method: string, path: string, options: RequestOptions, body?: Body): Promise<unknown> {
    const label = `${method} ${path}`;
    const deadline = this.#deadline(label, options);
    try {
      const response = await this.#open(label, method, path, options.query, body, deadline.signal);
      return await readJson(label, response, this.#maxResponseBytes);
    } catch (error) {
      throw explained(label, error, deadline.signal);
    } finally {
      deadline.clear();
    }
  }

  /** Sends the request and resolves with the head of a 2xx answer. */
  async #open(
    label: string,
    method: string,
    path: string,
    query: Query | undefined,
    body: Body | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { agent, token } = await this.#credentials.current();
    const payload = body && Buffer.from(JSON.stringify(body.value));
    const url = new URL(this.#base.pathname.replace(/\/$/, "") + path + searchOf(query), this.#base);
    const transport = url.protocol === "http:" ? http : https;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = transport.request(url, {
        method,
        agent,
        signal,
        headers: {
          accept: "application/json",
          "user-agent": this.#userAgent,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(payload && { "content-type": body.contentType, "content-length": payload.length }),
        },
      });
      request.on("error", (error) => {
        this.#credentials.refused();
        reject(error);
      });
      request.on("response", resolve);
      request.end(payload);
    });
    const status = response.statusCode ?? 0;
    if (status === 401) this.#credentials.refused();
    if (status < 200 || status > 299) throw await errorOf(label, response);
    return response;
  }

  #deadline(label: string, options: RequestOptions): { signal: AbortSignal; clear: () => void } {
    const { signal, timeoutMs = this.#timeoutMs } = options;
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new KubeError(`${label}: no answer in ${timeoutMs} ms`, { status: 0, reason: "TimedOut" }));
    }, timeoutMs);
    return {
      signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
      clear: () => clearTimeout(timer),
    };
  }
}

async function* chunksOf(
  label: string,
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  try {
    yield* bytesOf(response);
  } catch (error) {
    throw explained(label, error, signal);
  }
}

function baseOf(config: ClusterConfig): URL {
  const base = URL.canParse(config.server) ? new URL(config.server) : undefined;
  if (!base || (base.protocol !== "https:" && base.protocol !== "http:")) {
    throw new KubeConfigError(`the server "${config.server}" is not an https:// URL`);
  }
  if (base.protocol === "http:" && (config.token || config.clientKey !== undefined)) {
    throw new KubeConfigError(`credentials are not sent to ${config.server}: use https://`);
  }
  return base;
}

function searchOf(query: Query | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}

/** Sockets fail in many ways; if the signal has aborted, its reason is the real one. */
function explained(label: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof KubeError || error instanceof KubeConfigError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new KubeError(`${label}: ${why}`, { status: 0, reason: "ConnectionLost", cause: error });
}
