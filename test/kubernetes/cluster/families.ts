// The option by which a cluster gets one family of addresses, or both: 4, 6, or 4,6.

import type { Family } from "../../../src/model/ip.ts";

/** Throws when it is anything else. */
export function familiesIn(text: string): readonly Family[] {
  const families = text.split(",").map((each): Family => {
    if (each === "4") return 4;
    if (each === "6") return 6;
    throw new Error(`--families ${text}: 4, 6, or both with a comma`);
  });
  if (new Set(families).size < families.length) throw new Error(`--families ${text}: one family twice`);
  return families;
}
