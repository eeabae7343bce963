// The answers of the decider.

export type Decision<T> =
  /** Durable: facts may use it. */
  | { readonly state: "ready"; readonly value: T }
  /**
   * Chosen, and being written. Ask again when `written` has resolved; when it rejects, ask again later. Until then
   * facts stay as they are. `distrusted` tells why what the object's annotation said was not taken.
   */
  | { readonly state: "pending"; readonly written: Promise<void>; readonly distrusted: string | undefined }
  /** Something else must be decided first. Ask again when it is. */
  | { readonly state: "waiting"; readonly reason: string }
  /** Not possible as things are; an Event should say so. Facts stay as they are. Ask again later. */
  | { readonly state: "refused"; readonly reason: string }
  /** Needs nothing of the pod network: no facts. */
  | { readonly state: "none" };
