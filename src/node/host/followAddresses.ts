// Notices when the node's addresses, its default route, its routing rules or the bridge's MAC and MTU change, for example
// with a new DHCP lease. Open vSwitch's database says nothing about that, but the kernel does (rtnetlink(7)), and `ip
// monitor` prints it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const retryMs = 1_000;

export interface Followed {
  /** Everything of this interface counts, and the routes through it. */
  readonly device: string;
  /** Of all others, only their addresses count; but not of this one, which the agent itself configures. */
  readonly own: string;
  /** Called at the start, and after every change that counts and of every routing rule. */
  readonly changed: () => void;
  /** Called after every change of `own`, also the agent's. */
  readonly touched: () => void;
}

/** Returns when `signal` is aborted. */
export async function followAddresses(
  { device, own, changed, touched }: Followed,
  signal: AbortSignal,
): Promise<void> {
  const about = (name: string): string => `\\b${RegExp.escape(name)}(?:[:@\\s]|$)`;
  const isOther = new RegExp(`^\\[RULE\\]|^\\[ADDR\\](?!.*: ${RegExp.escape(own)}\\s)|${about(device)}`);
  const isOwn = new RegExp(about(own));
  while (!signal.aborted) {
    const monitor = spawn("ip", ["-oneline", "monitor", "label", "link", "address", "route", "rule"], {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
    });
    // Catches up on changes made while nobody listened.
    monitor.once("spawn", changed);
    createInterface({ input: monitor.stdout }).on("line", (line) => {
      if (isOther.test(line)) changed();
      else if (isOwn.test(line)) touched();
    });
    // It could not start, or the signal ended it. A "close" follows every "error".
    monitor.on("error", () => undefined);
    await new Promise<void>((resolve) => monitor.once("close", () => resolve()));
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
