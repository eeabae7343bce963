import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type DaemonState, DaemonWatch } from "./daemonWatch.ts";

let folder: string;
let server: Server | undefined;
const connections = new Set<Socket>();
const stop = { now: () => undefined as void };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-daemon-"));
});
afterEach(() => {
  stop.now();
  for (const connection of connections) connection.destroy();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

/** A daemon with pid 7 whose control socket does `handle` with each connection. */
async function daemon(handle: (socket: Socket) => void): Promise<void> {
  writeFileSync(join(folder, "ovn-controller.pid"), "7\n");
  server = createServer((socket) => {
    connections.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => handle(socket));
  });
  await new Promise<void>((resolve) => server?.listen(join(folder, "ovn-controller.7.ctl"), resolve));
}

/** The first state after "unknown". */
function firstState(): Promise<DaemonState> {
  const ending = new AbortController();
  stop.now = () => ending.abort();
  return new Promise((resolve) => {
    const watch: DaemonWatch = new DaemonWatch({
      runDirectory: folder,
      daemon: "ovn-controller",
      question: "connection-status",
      changed: () => resolve(watch.state),
      now: () => 42,
      timeoutMs: 50,
    });
    assert.equal(watch.state.is, "unknown");
    void watch.run(ending.signal);
  });
}

test("a daemon that answers is heard", async () => {
  await daemon((socket) => socket.write('{"id":0,"result":"connected\\n","error":null}'));
  assert.deepEqual(await firstState(), { is: "answering", said: "connected", since: 42 });
});

test("without a pidfile there is no daemon", async () => {
  assert.deepEqual(await firstState(), { is: "absent", why: `no pidfile or socket in ${folder}` });
});

test("a socket that outlived its process means that there is no daemon", async () => {
  await daemon(() => undefined);
  // As kill -9 leaves it: the file stays, and nobody listens.
  const path = join(folder, "ovn-controller.7.ctl");
  await new Promise<void>((resolve) => server?.close(() => resolve()));
  writeFileSync(path, "");
  assert.deepEqual(await firstState(), { is: "absent", why: `nobody listens on its socket in ${folder}` });
});

test("a daemon that accepts the question and does not answer is silent", async () => {
  await daemon(() => undefined);
  assert.deepEqual(await firstState(), { is: "silent", since: 42 });
});
