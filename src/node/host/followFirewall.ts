// Notices when something may have been taken out of our nftables tables, as a restart of the machine's own firewall does
// (`nft flush ruleset`). The kernel reports what goes, and `nft monitor` prints it, our own replacements as well.

import { followMonitor } from "./followMonitor.ts";

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
  await followMonitor(
    {
      program: "nft",
      args: ["monitor", "destroy"],
      line: (line) => {
        if (isOurs.test(line)) touched();
      },
    },
    signal,
  );
}
