// What is known of an owner that no longer states something. If its object exists or is known to be gone, the row goes
// at once. If the object is only missing, the prune guard decides (apply/pruneGuard.ts).

/**
 * `said`: the owner speaks for an object that exists, or the API server said that the object is gone. `missing`: nobody
 * said so; the API server may have listed too little. `held`: it would be wrong to believe that it is gone. `unplanned`:
 * it may well exist, but its plan has failed so far.
 */
export type Word = "said" | "missing" | "held" | "unplanned";

const doubts: readonly Word[] = ["unplanned", "held", "missing"];

/** The most doubtful of these. */
export const leastSure = (words: Iterable<Word>): Word => {
  const all = new Set(words);
  return doubts.find((doubt) => all.has(doubt)) ?? "said";
};
