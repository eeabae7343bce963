import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { soleAgent } from "./sole.ts";

/** Another process that holds the lock until it is killed. */
async function holderOf(path: string): Promise<ChildProcess> {
  const module = new URL("./sole.ts", import.meta.url).href;
  const script = `const { soleAgent } = await import("${module}");
    const file = await soleAgent("${path}"); console.log("held"); setInterval(() => file.fd, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

test("a second agent is refused with the first one's process id, until that is gone, however it dies", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-sole-"));
  const path = join(directory, "run", "agent.lock");
  const first = await holderOf(path);
  try {
    await assert.rejects(soleAgent(path), new RegExp(`\\(process ${first.pid} holds ${path}\\); stop it`));
    first.kill("SIGKILL");
    await once(first, "close");
    const file = await soleAgent(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await assert.rejects(soleAgent(path), new RegExp(`process ${process.pid} holds`));
    await file.close();
    await (await soleAgent(path)).close();
  } finally {
    first.kill("SIGKILL");
    await rm(directory, { recursive: true });
  }
});

test("a full disk keeps no agent from starting", async () => {
  await using file = await soleAgent("/dev/full");
  assert.ok(file.fd > 0);
});
