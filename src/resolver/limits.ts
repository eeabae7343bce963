// How many addresses one pattern has. The API demands a hundred for each name, also for each that a star stands for
// (NPEP-133); and an object has to stay far below what etcd takes. The newest win.

import type { LearnedAddress } from "../kube/learnedName.ts";

/** Of each family. */
export const limits = { ofName: 100, ofPattern: 1000 } as const;

/** The addresses beyond a limit. The first of several with the same time stay. */
export function beyondLimits(addresses: ReadonlyMap<string, LearnedAddress>): readonly string[] {
  const newestFirst = [...addresses].toSorted(([, a], [, b]) => b.untilMs - a.untilMs);
  const counts = new Map<string, number>();
  const isBeyond = (key: string, most: number): boolean => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count > most;
  };
  return newestFirst.flatMap(([ip, { name }]) => {
    const family = ip.includes(":") ? "6" : "4";
    const isOut = isBeyond(`${family} ${name}`, limits.ofName) || isBeyond(family, limits.ofPattern);
    return isOut ? [ip] : [];
  });
}
