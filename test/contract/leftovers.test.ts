// What a test process leaves on the machine when it is killed, and how the runner takes it away.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { leftovers, takeDown } from "../leftovers.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-left-"));
after(() => rmSync(folder, { recursive: true }));

const script = `
  import { upSandbox } from "${import.meta.dirname}/../../sandbox/up.ts";
  import { privateName } from "${import.meta.dirname}/../real/privateName.ts";
  import { run } from "${import.meta.dirname}/../../sandbox/process/run.ts";
  await run(["ip", "netns", "add", privateName("bare")]);
  await upSandbox({ name: privateName("left"), nodes: 1, parts: "ovs" });
  console.log("up");
  setInterval(() => undefined, 1000);
`;

test("the sandbox and the namespaces of a killed test process are taken down, and nothing of them is left", async () => {
  const tag = `x${randomBytes(2).toString("hex").slice(1)}`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, WEFT_TEST_RUN: tag },
  });
  await once(child.stdout, "data");
  const { pid } = child;
  assert.ok(pid);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok(leftovers({ tag, folder }).some((left) => left.startsWith("process ")));
  const left = await takeDown(tag, pid);
  assert.deepEqual(
    left.map((each) => each.replace(/\w+$/, "")),
    ["sandbox ", "namespace "],
  );
  assert.deepEqual(leftovers({ tag, folder }), []);
  assert.deepEqual(await takeDown(tag, pid), []);
});
