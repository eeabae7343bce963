// What can go wrong when something is decided. Messages say who, what, where and what to do next: they become Events
// and the controller's last words.

/** A range has nothing left to give. A retry helps once something in it was released. */
export class ExhaustedError extends Error {
  override readonly name = "ExhaustedError";
}

/** It has been told to people already; the queue tries the owner again, later. */
export class NotNow extends Error {
  override readonly name = "NotNow";
}
