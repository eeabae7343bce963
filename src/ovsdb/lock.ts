// An OVSDB lock (RFC 7047, section 4.1.8), requested again on each new connection. A lock lives in the memory of one
// server process: two members of a cluster grant the same lock to two clients at once, and a relay cannot check it.
// So a lock chooses among programs on one server, but does not fence writers on a cluster; `Marker` does.

import { OvsdbError } from "./errors.ts";
import { Gate } from "./gate.ts";

export interface LockOptions {
  /** Take the lock from its holder, once; the former holder then waits in line. */
  readonly steal?: boolean;
  /** Called whenever `held` changes. */
  readonly changed?: (held: boolean) => void;
}

/** What a lock asks of its session. */
export interface LockControl {
  readonly dispose: () => Promise<void>;
  /** Whether there is a connection, for messages. */
  readonly situation: () => string;
  /** Called with what `LockOptions.changed` throws, which harms neither the lock nor the session. */
  readonly failed: (error: unknown) => void;
}

/** What a lock asks of the connection there is. */
type Ask = (method: "lock" | "steal" | "unlock", id: string) => Promise<unknown>;

export class Lock implements AsyncDisposable {
  readonly id: string;
  readonly #options: LockOptions;
  readonly #held = new Gate();
  readonly #control: LockControl;
  #stolen = false;

  constructor(id: string, options: LockOptions, control: LockControl) {
    this.id = id;
    this.#options = options;
    this.#control = control;
  }

  /** What the server said last. False without a connection, because the server releases the lock with it. */
  get held(): boolean {
    return this.#held.isOpen;
  }

  /** Resolves when the lock is held; at once if it is. */
  acquired(signal?: AbortSignal): Promise<void> {
    return this.#held.wait(signal, () => `lock ${this.id}: ${this.#control.situation()}`);
  }

  /** Gives the lock back, or the place in line. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#control.dispose();
  }

  /** A connection stands: gets in line. */
  async request(ask: Ask): Promise<void> {
    const method = this.#options.steal && !this.#stolen ? "steal" : "lock";
    const reply = await ask(method, this.id);
    if (method === "steal") this.#stolen = true;
    const locked = typeof reply === "object" && reply !== null && "locked" in reply && reply.locked === true;
    // A false answer does not undo a "locked" that arrived first.
    if (locked || method === "steal") this.set(true);
  }

  /** The server sent "locked" or "stolen", or the connection ended. */
  set(held: boolean): void {
    if (held === this.#held.isOpen) return;
    if (held) this.#held.open();
    else this.#held.shut();
    try {
      this.#options.changed?.(held);
    } catch (error) {
      this.#control.failed(error);
    }
  }

  end(reason: OvsdbError): void {
    this.set(false);
    this.#held.fail(reason);
  }
}

/** RFC 7047: a lock's name is an <id>. */
export function checkLockId(id: string): void {
  if (!/^[A-Za-z_]\w*$/.test(id))
    throw new OvsdbError("invalid value", `lock ${JSON.stringify(id)}: expected letters, digits and _`);
}
