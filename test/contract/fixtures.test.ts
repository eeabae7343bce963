// The fixtures themselves: what they start must not outlive the process of a test that never gets to dispose of it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder, removeFolder } from "../real/atExit.ts";

const cutOff = `
  import { startRelay } from "../real/relay.ts";
  import { startRelayServer } from "../real/ovsdbServer.ts";
  import { startZooCluster } from "./ovsdbZoo.ts";
  const { remotes, members } = await startZooCluster();
  const relay = await startRelayServer("Zoo", remotes);
  await startRelay(relay.remote);
  process.kill(members[0].pid, "SIGSTOP");
  process.exit(3);
`;

test("a test process that is cut off leaves no server and no folder behind", {
  timeout: 60_000,
}, async () => {
  const folder = await makeFolder("weft-cut-off-");
  const temporary = join(folder, "tmp");
  await mkdir(temporary);
  const argv = ["--input-type=module", "--eval", cutOff];
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, argv, { env, cwd: import.meta.dirname, stdio: "inherit" });
  assert.deepEqual(await once(child, "exit"), [3, null]);
  assert.deepEqual(await readdir(temporary), []);
  await removeFolder(folder);
});
