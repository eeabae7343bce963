// OVN's central part for a test: northbound and southbound servers with a real ovn-northd between them, all private,
// and ovn-trace to ask what would happen to a packet.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { untilExit } from "./atExit.ts";
import { northboundOfOvn, ovnEnvironment, southboundOfOvn } from "./ovn.ts";
import { type OvsdbServer, run, startOvsdbServer } from "./ovsdbServer.ts";

export interface OvnCentral extends AsyncDisposable {
  readonly northbound: OvsdbServer;
  readonly southbound: OvsdbServer;
  /** Resolves when northd has turned the whole northbound database into logical flows. */
  caughtUp(): Promise<void>;
  /** The output of ovn-sbctl. */
  sbctl(...args: readonly string[]): Promise<string>;
  /** The output of ovn-trace for a packet that enters `datapath`: `inport == "…" && eth.src == …`. */
  trace(datapath: string, packet: string, ...options: readonly string[]): Promise<string>;
  /** From now on northd does nothing, until it goes on. */
  pauseNorthd(): void;
  northdGoesOn(): void;
  /** Everything that northd has complained about. */
  complaints(): Promise<readonly string[]>;
}

export async function startOvnCentral(): Promise<OvnCentral> {
  const northbound = await startOvsdbServer(northboundOfOvn);
  const southbound = await startOvsdbServer(southboundOfOvn);
  const log = join(northbound.folder, "northd.log");
  const northd = untilExit(
    spawn(
      "ovn-northd",
      [
        `--ovnnb-db=${northbound.remote}`,
        `--ovnsb-db=${southbound.remote}`,
        `--unixctl=${join(northbound.folder, "northd.ctl")}`,
        `--log-file=${log}`,
        "-vconsole:off",
      ],
      { stdio: "ignore", env: ovnEnvironment },
    ),
  );
  const sbctl = (...args: readonly string[]): Promise<string> =>
    run("ovn-sbctl", [`--db=${southbound.remote}`, ...args]);
  return {
    northbound,
    southbound,
    sbctl,
    async caughtUp() {
      await run("ovn-nbctl", [`--db=${northbound.remote}`, "--timeout=20", "--wait=sb", "sync"]);
    },
    trace: (datapath, packet, ...options) =>
      run("ovn-trace", [`--db=${southbound.remote}`, ...options, datapath, packet]),
    pauseNorthd: () => void northd.kill("SIGSTOP"),
    northdGoesOn: () => void northd.kill("SIGCONT"),
    async complaints() {
      const lines = (await readFile(log, "utf8")).split("\n");
      return lines.filter((line) => /\|(WARN|ERR|EMER)\|/.test(line));
    },
    async [Symbol.asyncDispose]() {
      if (northd.exitCode === null && northd.signalCode === null) {
        const exited = once(northd, "exit");
        northd.kill("SIGKILL");
        await exited;
      }
      await northbound[Symbol.asyncDispose]();
      await southbound[Symbol.asyncDispose]();
    },
  };
}
