import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { freePort } from "./freePort.ts";
import { Supervisor } from "./process/supervisor.ts";

test("the relay passes on bytes, the end of each direction, and a server that is away", {
  timeout: 20_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-relay-"));
  const socket = join(directory, "api.sock");
  const port = await freePort();
  const relay = new Supervisor(directory);
  // Answers only when the client has finished sending, so a lost end of stream would hang.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    let said = "";
    client.setEncoding("utf8");
    client.on("data", (chunk: string) => (said += chunk));
    client.on("end", () => client.end(said.toUpperCase()));
  });
  try {
    const argv = [process.execPath, join(import.meta.dirname, "relay.ts"), String(port), socket];
    await relay.launch({ name: "relay", argv, env: {}, ready: [port] });
    const early = connect(port, "127.0.0.1");
    early.on("error", () => undefined);
    assert.equal(await text(early.end("nobody")).catch(() => ""), "");
    const listening = Promise.withResolvers<void>();
    server.listen(socket, listening.resolve);
    await listening.promise;
    const said = "weft ".repeat(100_000);
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.end(said);
    assert.equal(await text(client), said.toUpperCase());
  } finally {
    await relay.stop("relay");
    server.close();
    rmSync(directory, { recursive: true });
  }
});
