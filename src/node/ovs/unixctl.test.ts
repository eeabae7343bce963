import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { unixctl } from "./unixctl.ts";

/** A daemon that answers every question with these texts, one after the other. */
async function answering(...texts: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "weft-unixctl-"));
  const server = createServer((connection) => {
    connection.on("data", () => {
      for (const text of texts) connection.write(text);
    });
    connection.on("error", () => undefined);
  });
  server.listen(join(folder, "ctl"));
  await once(server, "listening");
  return {
    socket: join(folder, "ctl"),
    [Symbol.dispose]: () => {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

// Open vSwitch 3.5 leaves out the one of both that is null; JSON-RPC 1.0 would have it there.
test("an error is told, with or without an empty result beside it", async () => {
  for (const answer of [
    '{"error":"no such command","id":0}',
    '{"id":0,"result":null,"error":"no such command"}',
  ]) {
    using daemon = await answering(answer);
    await assert.rejects(unixctl(daemon.socket, "any"), /any: no such command$/);
  }
});

test("a result is taken, in pieces too, and what is neither is refused", async () => {
  using daemon = await answering('{"id":0,"resu', 'lt":"fine"}');
  assert.equal(await unixctl(daemon.socket, "any"), "fine");
  using other = await answering('{"id":0}');
  await assert.rejects(unixctl(other.socket, "any"), /the answer is not JSON-RPC/);
});
