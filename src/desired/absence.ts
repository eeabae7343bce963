// How sure it is that what an owner no longer states is really gone. The prune guard decides by this whether rows and members
// go (apply/pruneGuard.ts).
//
//   absence    what is known                                                  what was stated
//   confirmed  the object exists and states it no longer, or it is known to   goes at once
//              be gone
//   missing    nobody has said that the object is gone: the API server may    goes if it is not much, or a person
//              have listed too little                                         approves
//   untrusted  its absence must not be believed: the server cannot say, or    stays until it is trusted, or a person
//              something else speaks against it                               approves
//   unplanned  the object may well exist, but its plan has failed so far      stays, whoever approves

export type Absence = "confirmed" | "missing" | "untrusted" | "unplanned";

const doubts: readonly Absence[] = ["unplanned", "untrusted", "missing"];

/** The most doubtful of these. */
export const leastSure = (absences: Iterable<Absence>): Absence => {
  const all = new Set(absences);
  return doubts.find((doubt) => all.has(doubt)) ?? "confirmed";
};
