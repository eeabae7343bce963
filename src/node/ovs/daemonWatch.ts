// Whether a daemon of Open vSwitch or OVN on this node works: it is asked something every two seconds over its control
// socket. The socket of a dead process refuses at once; a process that hangs, or computes for long, accepts the question
// and does not answer it.

import { setTimeout as pause } from "node:timers/promises";
import { absence, controlSocket, unixctl } from "./unixctl.ts";

const everyMs = 2_000;

export type DaemonState =
  /** Not asked yet. */
  | { readonly is: "unknown" }
  /** `since`: when it first said exactly this. */
  | { readonly is: "answering"; readonly said: string; readonly since: number }
  /** `why` is what shows it. */
  | { readonly is: "absent"; readonly why: string }
  | { readonly is: "silent"; readonly since: number };

export interface DaemonWatchOptions {
  /** Where the daemon has its pidfile and socket. */
  readonly runDirectory: string;
  readonly daemon: string;
  /** A command that costs the daemon nothing. */
  readonly question: string;
  /** Called when the daemon's state is another one. */
  readonly changed: () => void;
  readonly now: () => number;
  /** How long the daemon may take to answer. */
  readonly timeoutMs?: number;
}

export class DaemonWatch {
  readonly #options: DaemonWatchOptions;
  #state: DaemonState = { is: "unknown" };

  constructor(options: DaemonWatchOptions) {
    this.#options = options;
  }

  get state(): DaemonState {
    return this.#state;
  }

  /** Asks until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const state = await this.#ask();
      const isNew = JSON.stringify(state) !== JSON.stringify(this.#state);
      this.#state = state;
      if (isNew) this.#options.changed();
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #ask(): Promise<DaemonState> {
    const { runDirectory, daemon, question, timeoutMs, now } = this.#options;
    const asked = now();
    const before = this.#state;
    try {
      const said = (await unixctl(await controlSocket(runDirectory, daemon), question, [], timeoutMs)).trim();
      return before.is === "answering" && before.said === said
        ? before
        : { is: "answering", said, since: asked };
    } catch (error) {
      const proof = absence(error);
      if (proof !== undefined) return { is: "absent", why: `${proof} in ${runDirectory}` };
      return before.is === "silent" ? before : { is: "silent", since: asked };
    }
  }
}
