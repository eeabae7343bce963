// What can go wrong when something is decided. Messages say who, what, where and what to do next: they become Events
// and the controller's last words.

/** A range has nothing left to give. A retry helps once something in it was released. */
export class ExhaustedError extends Error {
  override readonly name = "ExhaustedError";
}
