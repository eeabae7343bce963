import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { Answer } from "./commands.ts";
import { type Answerer, serveCni } from "./server.ts";

/** Runs `use` with a server in a folder of mode 0755 that was there before. */
async function serving(answer: Answerer, use: (path: string, stop: () => void) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), "weft-cni-"));
  const stopping = new AbortController();
  try {
    await chmod(directory, 0o755);
    const path = join(directory, "cni.sock");
    await serveCni(path, answer, stopping.signal);
    await use(path, () => stopping.abort(new Error("stopped")));
  } finally {
    stopping.abort();
    await rm(directory, { recursive: true });
  }
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** As the executable asks: its side stays open until the answer has come. */
function ask(path: string, line: string): Promise<string> {
  const connection = connect(path);
  connection.write(line);
  return text(connection);
}

test("only root may connect, and a folder that others use keeps its mode", () =>
  serving(
    async () => ({ exit: 0, stdout: "" }),
    async (path) => {
      assert.equal(await modeOf(path), 0o600);
      assert.equal(await modeOf(join(path, "..")), 0o755);
    },
  ));

test("an agent that is told to stop while it begins to listen listens no more", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-cni-"));
  try {
    const stopping = new AbortController();
    const path = join(directory, "cni.sock");
    const beginning = serveCni(path, async () => ({ exit: 0, stdout: "" }), stopping.signal);
    stopping.abort();
    await assert.rejects(beginning, { name: "AbortError" });
    await assert.rejects(ask(path, "add\n"), /connect E(CONNREFUSED|CONNRESET|NOENT)/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a line is answered with a line", () =>
  serving(
    async (line) => ({ exit: 0, stdout: line.toUpperCase() }),
    async (path) => assert.equal(await ask(path, "add\n"), '{"exit":0,"stdout":"ADD"}\n'),
  ));

test("an agent that stops tells its requests, and they are answered", () => {
  const begun = Promise.withResolvers<void>();
  const answer = (_: string, gone: AbortSignal): Promise<Answer> => {
    begun.resolve();
    return new Promise((resolve) =>
      gone.addEventListener("abort", () => resolve({ exit: 1, stdout: String(gone.reason.message) })),
    );
  };
  return serving(answer, async (path, stop) => {
    const said = ask(path, "add\n");
    await begun.promise;
    stop();
    assert.equal(await said, '{"exit":1,"stdout":"stopped"}\n');
  });
});

const arrived = async (path: string, said: string): Promise<void> => {
  for (let tries = 0; tries < 1000; tries++) {
    const answer = await ask(path, "add\n").catch(() => undefined);
    if (answer !== undefined) return assert.equal(answer, `{"exit":0,"stdout":"${said}"}\n`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`nobody listens at ${path}`);
};

test("an agent whose socket is taken away listens again, and is reachable", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-cni-"));
  const stopping = new AbortController();
  try {
    const path = join(directory, "run", "cni.sock");
    const server = await serveCni(path, async () => ({ exit: 0, stdout: "mine" }), stopping.signal);
    assert.equal(await server.unreachable(), undefined);
    await rm(path);
    await arrived(path, "mine");
    assert.equal(await modeOf(path), 0o600);
    await rm(path);
    await writeFile(path, "");
    await arrived(path, "mine");
    await rm(join(directory, "run"), { recursive: true });
    await arrived(path, "mine");
    assert.equal(await server.unreachable(), undefined);
  } finally {
    stopping.abort();
    await rm(directory, { recursive: true });
  }
});

test("a socket that is taken away as soon as it is there comes back, however often", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-cni-"));
  const stopping = new AbortController();
  try {
    const path = join(directory, "cni.sock");
    await serveCni(path, async () => ({ exit: 0, stdout: "mine" }), stopping.signal);
    for (let times = 0; times < 50; times++) {
      for (let looks = 0; !existsSync(path); looks++) {
        assert.ok(looks < 100_000, `nobody listens at ${path} after it was taken away ${times} times`);
        await new Promise(setImmediate);
      }
      rmSync(path);
    }
    await arrived(path, "mine");
  } finally {
    stopping.abort();
    await rm(directory, { recursive: true });
  }
});

test("an agent that cannot have its socket back says so, and has it as soon as that is possible", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-cni-"));
  const stopping = new AbortController();
  try {
    const path = join(directory, "run", "cni.sock");
    const server = await serveCni(path, async () => ({ exit: 0, stdout: "mine" }), stopping.signal);
    // At once, or the agent would listen again in between.
    rmSync(path);
    mkdirSync(path);
    assert.match((await server.unreachable()) ?? "", /^the plugin cannot reach this agent: .*directory/);
    rmdirSync(path);
    assert.equal(await server.unreachable(), undefined);
    await arrived(path, "mine");
  } finally {
    stopping.abort();
    await rm(directory, { recursive: true });
  }
});
