// Notices when something may have been taken out of our nftables tables, as a restart of the machine's own firewall does
// (`nft flush ruleset`). The kernel reports what goes, and `nft monitor` prints it, our own replacements as well.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const retryMs = 1_000;

/** Calls `touched` whenever something of one of the tables has gone. Returns when `signal` is aborted. */
export async function followFirewall(
  tables: readonly string[],
  touched: () => void,
  signal: AbortSignal,
): Promise<void> {
  // `delete rule inet weft input handle 7`
  const isOurs = new RegExp(
    `^delete \\w+ inet (?:${tables.map((table) => RegExp.escape(table)).join("|")})(?:\\s|$)`,
  );
  while (!signal.aborted) {
    const monitor = spawn("nft", ["monitor", "destroy"], {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
    });
    createInterface({ input: monitor.stdout }).on("line", (line) => {
      if (isOurs.test(line)) touched();
    });
    // It could not start, or the signal ended it. A "close" follows every "error".
    monitor.on("error", () => undefined);
    await new Promise<void>((resolve) => monitor.once("close", () => resolve()));
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
