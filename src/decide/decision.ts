// The decider's answers.

export type Decision<T> =
  /** Durable: facts may use it. */
  | { readonly state: "ready"; readonly value: T }
  /**
   * Chosen, and being written. Ask again when `written` resolves; if it rejects, ask again later. Until then the facts
   * stay as they are. `distrusted` tells why the object's own annotation was not accepted.
   */
  | { readonly state: "pending"; readonly written: Promise<void>; readonly distrusted: string | undefined }
  /** Something else must be decided first. Ask again once it is. */
  | { readonly state: "waiting"; readonly reason: string }
  /** Not possible at present; report it in an Event. The facts stay as they are. Ask again later. */
  | { readonly state: "refused"; readonly reason: string }
  /** Not part of the pod network, so it has no facts. */
  | { readonly state: "none" };
