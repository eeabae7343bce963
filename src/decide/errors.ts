// What can go wrong in a decision. Messages say who, what, where and what to do next: they become Events, or the last
// thing the controller logs.

/** A range has nothing left to give. A retry helps once something has been released. */
export class ExhaustedError extends Error {
  override readonly name = "ExhaustedError";
}

/** People have already been told. The queue tries the owner again later. */
export class NotNow extends Error {
  override readonly name = "NotNow";
}
