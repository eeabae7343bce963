import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Registry } from "prom-client";
import { serveHealth } from "./serve.ts";

test("a process says that it lives, whether it is ready and why not, and what it counted", async () => {
  const registry = new Registry();
  new Counter({ name: "weft_things_total", help: "things", registers: [registry] }).inc(3);
  const stopping = new AbortController();
  let reason: string | undefined = "no database";
  const address = "127.0.0.1:19417";
  await serveHealth({ address, registry, notReady: () => reason }, stopping.signal);
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://${address}${path}`);
    return [response.status, await response.text()];
  };
  try {
    assert.deepEqual(await get("/livez"), [200, "ok\n"]);
    assert.deepEqual(await get("/readyz"), [503, "no database\n"]);
    reason = undefined;
    assert.deepEqual(await get("/readyz"), [200, "ok\n"]);
    assert.match((await get("/metrics"))[1], /weft_things_total 3/);
    assert.equal((await get("/"))[0], 404);
  } finally {
    stopping.abort();
  }
});

test("the log level is told and changed by name, and nonsense is refused", async () => {
  const stopping = new AbortController();
  const address = "127.0.0.1:19419";
  let level = "info";
  const logLevels = {
    current: () => level,
    change: (wanted: string) => {
      if (!["debug", "info"].includes(wanted)) return false;
      level = wanted;
      return true;
    },
  };
  await serveHealth(
    { address, registry: new Registry(), notReady: () => undefined, logLevels },
    stopping.signal,
  );
  const ask = async (method: string, body?: string): Promise<[number, string]> => {
    const response = await fetch(`http://${address}/loglevel`, {
      method,
      ...(body !== undefined && { body }),
    });
    return [response.status, await response.text()];
  };
  try {
    assert.deepEqual(await ask("GET"), [200, "info\n"]);
    assert.deepEqual(await ask("PUT", "debug\n"), [200, "debug\n"]);
    assert.equal(level, "debug");
    assert.deepEqual(await ask("PUT", "loud"), [400, "expected debug, info, warn or error\n"]);
    assert.equal((await ask("PUT", "x".repeat(1000)))[0], 400);
    assert.equal((await ask("DELETE"))[0], 405);
    assert.equal(level, "debug");
  } finally {
    stopping.abort();
  }
});

test("a process that is told to stop while it begins to listen listens no more", async () => {
  const stopping = new AbortController();
  const address = "127.0.0.1:19418";
  const options = { address, registry: new Registry(), notReady: () => undefined };
  const beginning = serveHealth(options, stopping.signal);
  stopping.abort();
  await assert.rejects(beginning, { name: "AbortError" });
  await assert.rejects(fetch(`http://${address}/livez`), /fetch failed/);
});

for (const address of ["9410", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:http"])
  test(`${address} is no address to listen on`, async () => {
    const options = { address, registry: new Registry(), notReady: () => undefined };
    await assert.rejects(serveHealth(options, AbortSignal.abort()), /expected HOST:PORT/);
  });
