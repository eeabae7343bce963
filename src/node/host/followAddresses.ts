// Notices when the node's address or default route changes, for example with a new DHCP lease. Open vSwitch's
// database says nothing about that, but the kernel does (rtnetlink(7)), and `ip monitor` prints it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const retryMs = 1_000;

/** Calls `changed` now and after every change of addresses or routes of `device`. Returns when `signal` is aborted. */
export async function followAddresses(
  device: string,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const isAbout = new RegExp(`\\b${RegExp.escape(device)}(\\s|$)`);
  while (!signal.aborted) {
    const monitor = spawn("ip", ["-oneline", "monitor", "address", "route"], {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
    });
    // Catches up on changes made while nobody listened.
    monitor.once("spawn", changed);
    createInterface({ input: monitor.stdout }).on("line", (line) => {
      if (isAbout.test(line)) changed();
    });
    // It could not start, or the signal ended it. A "close" follows every "error".
    monitor.on("error", () => undefined);
    await new Promise<void>((resolve) => monitor.once("close", () => resolve()));
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
