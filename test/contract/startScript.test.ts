// What of Open vSwitch's database outlives a boot of the node, by the image's start script and a real ovsdb-server. If the card's
// port did, the first ovs-vswitchd after a boot would take the card, with the node's addresses on it, into br-ex, and nobody
// would reach the node.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tryRun } from "../../sandbox/process/run.ts";
import { makeFolder, removeFolder, untilExit } from "../real/atExit.ts";
import { ovnEnvironment } from "../real/ovn.ts";
import { run, vswitchSchema } from "../real/ovsdbServer.ts";
import { until } from "../real/until.ts";

const script = join(import.meta.dirname, "../../deploy/image/weft-start.sh");

test("transient ports survive restarts of ovs-vswitchd, and not a boot of the node", {
  timeout: 60_000,
}, async () => {
  const folder = await makeFolder("weft-start-");
  const file = (name: string): string => join(folder, name);
  const { PATH = "" } = ovnEnvironment;
  const env = {
    ...{ PATH: `${file("bin")}:${PATH}`, BOOT_ID: file("boot_id") },
    ...{ OVS_RUNDIR: file("run"), OVN_RUNDIR: file("run"), OVS_DBDIR: folder },
  };
  const vsctl = (...args: readonly string[]) =>
    tryRun(["ovs-vsctl", "--timeout=5", "--no-wait", ...args], { env });
  const startSwitch = () => tryRun(["sh", script, "vswitchd"], { env });
  const ports = async () => (await vsctl("list-ports", "br-ex")).stdout.trim().split("\n");

  await mkdir(file("bin"));
  // The real one would make a datapath of this machine's.
  await writeFile(file("bin/ovs-vswitchd"), "#!/bin/sh\n");
  await chmod(file("bin/ovs-vswitchd"), 0o755);
  await writeFile(file("boot_id"), "first\n");
  await run("ovsdb-tool", ["create", file("conf.db"), vswitchSchema]);
  const database = untilExit(spawn("sh", [script, "vswitch-database"], { env, stdio: "ignore" }));
  try {
    await until("the database answers", async () => (await vsctl("init")).status === 0);
    await vsctl(
      ...["add-br", "br-ex", "--", "add-port", "br-ex", "kept"],
      ...["--", "add-port", "br-ex", "eth0", "--", "set", "Port", "eth0", "other_config:transient=true"],
    );
    assert.deepEqual(await startSwitch(), { status: 0, stdout: "", stderr: "" });
    assert.deepEqual(await ports(), ["eth0", "kept"], "no boot is known before this one");
    await startSwitch();
    assert.deepEqual(await ports(), ["eth0", "kept"], "ovs-vswitchd has been restarted");
    await writeFile(file("boot_id"), "second\n");
    await startSwitch();
    assert.deepEqual(await ports(), ["kept"]);
  } finally {
    database.kill("SIGKILL");
    await removeFolder(folder);
  }
});
