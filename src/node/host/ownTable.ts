// One of our nftables tables. It is compared with what nft(8) listed right after the table was written, because nft
// does not print rules as they were given.

import type { Check } from "../nouns/check.ts";
import { CommandError, type Run } from "./run.ts";

/** Carries out `rules`, which replace `table` of the family inet. */
export async function writeTable(run: Run, table: string, rules: string): Promise<Check> {
  await run(["nft", "-f", "-"], { stdin: rules });
  const written = await listed(run, table);
  return {
    reportedBy: "kernel",
    difference: async () => {
      const now = await listed(run, table);
      // Somebody may have deleted it before it was listed.
      if (now === undefined) return `the nftables table inet ${table} is missing`;
      return now === written ? undefined : `the nftables table inet ${table} is not as the agent wrote it`;
    },
  };
}

/** Undefined when there is no such table. */
async function listed(run: Run, table: string): Promise<string | undefined> {
  try {
    return await run(["nft", "list", "table", "inet", table]);
  } catch (error) {
    if (error instanceof CommandError && error.output.includes("No such file")) return undefined;
    throw error;
  }
}
