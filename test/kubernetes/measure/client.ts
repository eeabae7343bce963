// A client of a Service for measurements: a new connection for each request, so each one is balanced anew. Runs inside a
// pod's network namespace; prints one JSON line when it is told to end by SIGTERM.
//
//     client.ts HOST PORT

import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const [, , host = "", port = ""] = process.argv;
const pauseMs = 20;
const limitMs = 5_000;

const counts = { sent: 0, answered: 0, lost: 0, slowestMs: 0, errors: new Map<string, number>() };
const ending = new AbortController();
process.once("SIGTERM", () => ending.abort());

while (!ending.signal.aborted) {
  void ask();
  await delay(pauseMs);
}
while (counts.answered + counts.lost < counts.sent) await delay(pauseMs);
console.log(JSON.stringify({ ...counts, errors: Object.fromEntries(counts.errors) }));

async function ask(): Promise<void> {
  counts.sent++;
  const started = performance.now();
  try {
    await answer();
    counts.answered++;
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - started);
  } catch (error) {
    counts.lost++;
    const words = error instanceof Error && "code" in error ? String(error.code) : String(error);
    counts.errors.set(words, (counts.errors.get(words) ?? 0) + 1);
  }
}

function answer(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path: "/hostname", agent: false, timeout: limitMs }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`)),
      );
      response.once("error", reject);
    });
    request.once("timeout", () => request.destroy(new Error(`no answer in ${limitMs} ms`)));
    request.once("error", reject);
  });
}
