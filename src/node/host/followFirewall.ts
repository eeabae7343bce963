// Notices when one of our nftables tables has been deleted, as a restart of the machine's own firewall does (`nft flush
// ruleset`). The kernel reports what goes, and `nft monitor` prints it. It prints our own replacements as well, so the
// code checks that the table is missing before it reports that.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { CommandError, type Run } from "./run.ts";

const retryMs = 1_000;

/** Calls `lost` whenever one of the tables has gone. Returns when `signal` is aborted. */
export async function followFirewall(
  run: Run,
  tables: readonly string[],
  lost: () => void,
  signal: AbortSignal,
): Promise<void> {
  const look = async (table: string): Promise<void> => {
    try {
      await run(["nft", "list", "table", "inet", table]);
    } catch (error) {
      if (error instanceof CommandError && error.output.includes("No such file")) lost();
    }
  };
  while (!signal.aborted) {
    const monitor = spawn("nft", ["monitor", "destroy", "tables"], {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
    });
    createInterface({ input: monitor.stdout }).on("line", (line) => {
      const table = tables.find((name) => line === `delete table inet ${name}`);
      if (table !== undefined) void look(table);
    });
    // It could not start, or the signal ended it. A "close" follows every "error".
    monitor.on("error", () => undefined);
    await new Promise<void>((resolve) => monitor.once("close", () => resolve()));
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
