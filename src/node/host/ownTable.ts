// One of our nftables tables. nft(8) does not print rules as they were given, so the table is compared with what nft
// prints of the same rules in a network namespace of their own, where nobody else can have changed them.

import type { Check } from "../nouns/check.ts";
import { CommandError, type Run } from "./run.ts";

/** Carries out `rules`, which replace `table` of the family inet. */
export async function writeTable(run: Run, table: string, rules: string): Promise<Check> {
  const [wanted] = await Promise.all([printed(run, table, rules), run(["nft", "-f", "-"], { stdin: rules })]);
  return {
    reportedBy: "kernel",
    difference: async () => {
      const now = await listed(run, table);
      if (now === undefined) return `the nftables table inet ${table} is missing`;
      return now === wanted ? undefined : `the nftables table inet ${table} is not as the agent wrote it`;
    },
  };
}

/** What nft prints of `table` after `rules`. */
const printed = (run: Run, table: string, rules: string): Promise<string> =>
  run(["unshare", "--net", "sh", "-c", 'nft -f - && nft list table inet "$0"', table], { stdin: rules });

/** Undefined when there is no such table. */
async function listed(run: Run, table: string): Promise<string | undefined> {
  try {
    return await run(["nft", "list", "table", "inet", table]);
  } catch (error) {
    if (error instanceof CommandError && error.output.includes("No such file")) return undefined;
    throw error;
  }
}
