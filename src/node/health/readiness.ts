// How far the node has come onto the network. upkeep.ts sets it; the answers to the container runtime and the reports on the
// node depend on it.

import type { Log } from "../../kube/clock.ts";
import type { LinkSettings } from "../nouns/link.ts";

export type Progress =
  | { readonly ready: true; readonly links: LinkSettings }
  | { readonly ready: false; readonly reason: string };

export class Readiness {
  readonly #log: Log;
  readonly #changed: () => void;
  #progress: Progress = { ready: false, reason: "the agent has just started" };

  /** `changed` is called when `notReady` has another answer. */
  constructor(log: Log, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
  }

  /** Why pods cannot be attached now; undefined when they can. */
  readonly notReady = (): string | undefined => (this.#progress.ready ? undefined : this.#progress.reason);

  /** The settings of pods' links. Throws while the node is not ready. */
  readonly links = (): LinkSettings => {
    if (!this.#progress.ready) throw new Error(`this node is not ready: ${this.#progress.reason}`);
    return this.#progress.links;
  };

  set(progress: Progress): void {
    const before = this.notReady();
    this.#progress = progress;
    const reason = this.notReady();
    if (reason === before) return;
    this.#changed();
    this.#log("info", reason === undefined ? "ready" : `not ready: ${reason}`, {});
  }
}
