// A private, real daemon of OVN for a test, with a run directory of its own, gone when disposed of.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, removeFolder, untilExit } from "./atExit.ts";
import { ovnEnvironment } from "./ovn.ts";
import { run } from "./ovsdbServer.ts";
import { until } from "./until.ts";

export interface Daemon extends AsyncDisposable {
  /** What the daemon answers to a command of ovn-appctl. */
  appctl(...command: readonly string[]): Promise<string>;
}

/** Resolves when it answers. */
export async function startDaemon(program: string, args: readonly string[]): Promise<Daemon> {
  const folder = await makeFolder("weft-daemon-");
  const env = { ...ovnEnvironment, OVS_RUNDIR: folder, OVN_RUNDIR: folder };
  const pidFile = join(folder, `${program}.pid`);
  const child = untilExit(
    // setpriv: the daemon must not outlive a test process that is killed.
    spawn("setpriv", ["--pdeathsig=KILL", program, `--pidfile=${pidFile}`, "-vconsole:off", ...args], {
      stdio: "ignore",
      env,
    }),
  );
  await until(`${program} runs`, () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    return existsSync(pidFile);
  });
  return {
    appctl: (...command) => run("ovn-appctl", ["--timeout=10", "-t", program, ...command], env),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      }
      await removeFolder(folder);
    },
  };
}
