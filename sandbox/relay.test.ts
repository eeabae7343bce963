import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { freePort } from "./freePort.ts";
import { Supervisor } from "./process/supervisor.ts";

test("relays in a row pass on bytes, the end of each direction, and a server that is away", {
  timeout: 20_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-relay-"));
  const socket = join(directory, "api.sock");
  const [port, serverPort] = [await freePort(), await freePort()];
  const relays = new Supervisor(directory);
  const launch = async (name: string, from: number | string, to: number | string): Promise<void> => {
    const argv = [process.execPath, join(import.meta.dirname, "relay.ts"), String(from), String(to)];
    await relays.launch({ name, argv, env: {}, ready: [from] });
  };
  // Answers only when the client has finished sending, so a lost end of stream would hang.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    let said = "";
    client.setEncoding("utf8");
    client.on("data", (chunk: string) => (said += chunk));
    client.on("end", () => client.end(said.toUpperCase()));
  });
  try {
    await launch("inside", socket, serverPort);
    await launch("outside", port, socket);
    // A killed one has left its socket, and starts again.
    await relays.kill("inside", "SIGKILL");
    await launch("inside", socket, serverPort);
    const early = connect(port, "127.0.0.1");
    early.on("error", () => undefined);
    assert.equal(await text(early.end("nobody")).catch(() => ""), "");
    const listening = Promise.withResolvers<void>();
    server.listen(serverPort, "127.0.0.1", listening.resolve);
    await listening.promise;
    const said = "weft ".repeat(100_000);
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.end(said);
    assert.equal(await text(client), said.toUpperCase());
  } finally {
    for (const name of relays.names()) await relays.stop(name);
    server.close();
    rmSync(directory, { recursive: true });
  }
});
