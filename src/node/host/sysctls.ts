// Kernel settings under /proc/sys/net. Nobody reports a change of one.

import { readFile, writeFile } from "node:fs/promises";
import type { Check } from "../nouns/check.ts";

/** `ipv4/ip_forward` and its value. */
export type Sysctl = readonly [path: string, value: string];

export async function setSysctls(wanted: readonly Sysctl[]): Promise<Check> {
  for (const [path, value] of wanted) await writeFile(`/proc/sys/net/${path}`, value);
  return {
    reportedBy: "nobody",
    difference: async () => {
      for (const [path, value] of wanted) {
        const now = (await readFile(`/proc/sys/net/${path}`, "utf8")).trim();
        if (now !== value) return `/proc/sys/net/${path} is ${now}, not ${value}`;
      }
      return undefined;
    },
  };
}
