// A small HTTP server that answers as a test tells it to. It misbehaves like API servers and proxies sometimes do,
// which no well-behaved server can be asked for.

import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Clock, Log } from "../../src/kube/clock.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (response: ServerResponse, seen: Seen) => void;

export interface Scripted extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** TCP connections made so far, and answers that have not ended. */
  readonly counts: { connections: number; answering: number };
}

/** Answers the n-th request with the n-th of `answers`, and all later ones with the last. */
export async function scripted(answers: readonly Answer[], tls?: https.ServerOptions): Promise<Scripted> {
  const seen: Seen[] = [];
  const counts = { connections: 0, answering: 0 };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://server");
    const chunks: Buffer[] = await request.toArray();
    const { method = "", headers } = request;
    const body = Buffer.concat(chunks).toString();
    const one = { method, path: url.pathname, query: url.searchParams, headers, body };
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push(one);
    answer?.(response, one);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    counts.answering++;
    response.on("close", () => counts.answering--);
    void handle(request, response).catch(() => response.destroy());
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  server.on("connection", () => counts.connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${portOf(server.address())}`,
    seen,
    counts,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** A complete answer in JSON. */
export const json =
  (body: unknown, status = 200, headers: http.OutgoingHttpHeaders = {}): Answer =>
  (response) =>
    void response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(JSON.stringify(body));

/** A Status of the API, the form of its errors. */
export const status = (code: number, reason: string, headers: http.OutgoingHttpHeaders = {}): Answer =>
  json({ kind: "Status", code, reason, message: `${reason} it is` }, code, headers);

/** Events of a watch, one per line. Then `end` decides about the answer: nothing keeps it open. */
export const stream =
  (events: readonly unknown[], end: "keep" | "end" | "cut mid-line" = "keep"): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    if (end === "keep") response.write(lines);
    else if (end === "end") response.end(lines);
    else response.write(`${lines}{"type":"ADDED","obj`, () => response.destroy());
  };

/** A clock that jumps to the next deadline at once, and records the requested waits. */
export interface SkippingClock extends Clock {
  readonly waits: readonly number[];
}

export function skippingClock(): SkippingClock {
  let now = 1_000_000;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    wall: () => now,
    after(ms, action) {
      waits.push(ms);
      const handle = setImmediate(() => {
        now += ms;
        action();
      });
      return () => clearImmediate(handle);
    },
  };
}

/** A clock that only advances when told to. */
export interface ManualClock extends Clock {
  readonly advance: (ms: number) => void;
  /** Sets the wall clock forward or, with a negative number, back. No time passes. */
  readonly step: (ms: number) => void;
}

export function manualClock(): ManualClock {
  let now = 1_000_000;
  let wall = 1_700_000_000_000;
  const timers = new Set<{ readonly atMs: number; readonly action: () => void }>();
  return {
    now: () => now,
    wall: () => wall,
    after(ms, action) {
      const timer = { atMs: now + ms, action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    step(ms) {
      wall += ms;
    },
    advance(ms) {
      now += ms;
      wall += ms;
      for (const timer of [...timers].sort((a, b) => a.atMs - b.atMs)) {
        if (timer.atMs <= now && timers.delete(timer)) timer.action();
      }
    },
  };
}

/** Everything logged, as text. */
export function logBook(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return {
    lines,
    log: (level, message, fields) => void lines.push(`${level} ${message} ${inspectFields(fields)}`),
  };
}

/** Resolves when `condition` holds. Fails after a generous time. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function inspectFields(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`)
    .join(" ");
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
