import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PluginFile } from "./pluginFile.ts";

const sizeBytes = 3 * 1024 * 1024 + 7;

/** Runs `use` with an executable and the folder that it is installed into. */
async function inFolder(
  use: (files: {
    readonly source: string;
    readonly target: string;
    readonly bin: string;
    /** An agent that has just started. */
    readonly agent: () => PluginFile;
    readonly said: readonly string[];
    readonly clock: { now: number };
  }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "weft-plugin-"));
  try {
    const source = join(folder, "weft-cni");
    const bin = join(folder, "bin");
    const said: string[] = [];
    const clock = { now: 0 };
    await writeFile(source, Buffer.alloc(sizeBytes, 1));
    const agent = () =>
      new PluginFile({
        executable: source,
        directory: bin,
        log: (level, message) => said.push(`${level}: ${message}`),
        now: () => clock.now,
        retryMs: 1000,
      });
    await use({ source, target: join(bin, "weft-cni"), bin, agent, said, clock });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Changes with every copy. */
const copyOf = async (path: string): Promise<number> => (await stat(path)).ino;

test("it is installed once, executable, and neither another look nor a new agent copies it again", () =>
  inFolder(async ({ source, target, bin, agent, said }) => {
    // Finer than the milliseconds that JavaScript can set.
    await utimes(source, 1_700_000_000.123_456, 1_700_000_000.123_456);
    const first = agent();
    await first.install();
    const copy = await copyOf(target);
    assert.equal((await stat(target)).mode & 0o777, 0o755);
    for (let look = 0; look < 3; look++) await first.install();
    await agent().install();
    await utimes(source, 1_700_000_001, 1_700_000_001);
    await first.install();
    assert.equal(await copyOf(target), copy, "another time is no other executable");
    assert.deepEqual(await readdir(bin), ["weft-cni"]);
    assert.deepEqual(said, []);
  }));

test("another executable of the same size and time is another one, also in its last byte", () =>
  inFolder(async ({ source, target, agent }) => {
    const running = agent();
    await running.install();
    const bytes = await readFile(source);
    bytes[sizeBytes - 1] = 2;
    await writeFile(source, bytes);
    const { atime, mtime } = await stat(target);
    await utimes(source, atime, mtime);
    await running.install();
    assert.ok(bytes.equals(await readFile(target)));
  }));

test("what somebody has done to the installed one is undone", () =>
  inFolder(async ({ source, target, agent }) => {
    const running = agent();
    for (const damage of [
      () => rm(target),
      () => writeFile(target, ""),
      () => writeFile(target, Buffer.alloc(sizeBytes, 3)),
      () => chmod(target, 0o644),
    ]) {
      await running.install();
      await damage();
      await running.install();
      assert.ok((await readFile(source)).equals(await readFile(target)));
      assert.equal((await stat(target)).mode & 0o777, 0o755);
    }
  }));

test("when it cannot be replaced the installed one stays, the log says so, and it is tried again after a while", () =>
  inFolder(async ({ source, target, bin, agent, said, clock }) => {
    const running = agent();
    await running.install();
    await writeFile(source, "newer");
    const blocked = `${target}.new-${process.pid}`;
    await mkdir(join(blocked, "in the way"), { recursive: true });
    for (let look = 0; look < 3; look++) await running.install();
    assert.equal((await stat(target)).size, sizeBytes);
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? "",
      /^warn: the CNI plugin .*weft-cni cannot be replaced, so the installed one stays$/,
    );
    await rm(blocked, { recursive: true });
    clock.now = 1000;
    await running.install();
    assert.equal(await readFile(target, "utf8"), "newer");
    assert.deepEqual(await readdir(bin), ["weft-cni"]);
  }));

test("without an installed one an agent that cannot install it says so and tries again at once", () =>
  inFolder(async ({ target, bin, agent }) => {
    await writeFile(bin, "a file in the place of the folder");
    const running = agent();
    await assert.rejects(running.install());
    await rm(bin);
    await running.install();
    assert.equal((await stat(target)).size, sizeBytes);
  }));

test("a half-made copy of an agent that was killed goes, and that of one that is at work stays", () =>
  inFolder(async ({ target, bin, agent }) => {
    await mkdir(bin);
    for (const [pid, at] of [
      ["1", new Date(0)],
      ["2", new Date()],
    ] as const) {
      await writeFile(`${target}.new-${pid}`, "half");
      await utimes(`${target}.new-${pid}`, at, at);
    }
    await agent().install();
    assert.deepEqual((await readdir(bin)).toSorted(), ["weft-cni", "weft-cni.new-2"]);
  }));
