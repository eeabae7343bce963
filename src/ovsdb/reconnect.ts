// When to connect, when to ask a silent server for a sign of life, when to give up on it: a state machine with no
// timer and no socket in it. Told what happens and what time it is, it says what to do now or until when to wait.
// The idea is reconnect.py's of Open vSwitch. Times are milliseconds of one monotonic clock.

export interface ReconnectOptions {
  /** How many remotes there are. A failure doubles the wait only after each of them has been tried. */
  readonly remotes: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** For the whole way to a usable connection, handshake included. */
  readonly connectTimeoutMs: number;
  /** Silence after which to probe, and again after which to give up; 0 for never. */
  readonly probeIntervalMs: number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

type State =
  | { readonly kind: "backoff"; readonly until: number }
  | { readonly kind: "connecting"; readonly until: number }
  | { readonly kind: "active"; readonly since: number; readonly heard: number }
  | { readonly kind: "probing"; readonly since: number; readonly until: number };

export type Advice =
  | { readonly action: "connect" | "probe" }
  | { readonly action: "disconnect"; readonly reason: string }
  /** Nothing to do before `until`, unless something happens. */
  | { readonly action: "wait"; readonly until: number };

/** A probe interval of 10 s so becomes 160 s at most. */
const mostDoublings = 4;

export class Reconnect {
  readonly #options: ReconnectOptions;
  #state: State;
  /** Failures since the last connection that held. */
  #failures = 0;
  #backoffMs = 0;
  /**
   * Connections in a row that ended because a probe went unanswered. ovsdb-server answers nobody while it writes a huge
   * reply, to a monitor of a million rows for half a minute: with the same patience each time, that would never end.
   */
  #silences = 0;

  constructor(options: ReconnectOptions, now: number) {
    this.#options = options;
    this.#state = { kind: "backoff", until: now };
  }

  get state(): State["kind"] {
    return this.#state.kind;
  }

  /** Doubled after each connection that fell silent. */
  get #probeIntervalMs(): number {
    return this.#options.probeIntervalMs * 2 ** Math.min(this.#silences, mostDoublings);
  }

  advise(now: number): Advice {
    const state = this.#state;
    const { connectTimeoutMs } = this.#options;
    const probeIntervalMs = this.#probeIntervalMs;
    switch (state.kind) {
      case "backoff":
        return now >= state.until ? { action: "connect" } : { action: "wait", until: state.until };
      case "connecting":
        return now >= state.until
          ? { action: "disconnect", reason: `no connection within ${connectTimeoutMs} ms` }
          : { action: "wait", until: state.until };
      case "active": {
        const until = probeIntervalMs > 0 ? state.heard + probeIntervalMs : Number.POSITIVE_INFINITY;
        return now >= until ? { action: "probe" } : { action: "wait", until };
      }
      case "probing":
        return now >= state.until
          ? { action: "disconnect", reason: `no answer to a probe within ${probeIntervalMs} ms` }
          : { action: "wait", until: state.until };
    }
  }

  /** An attempt began. */
  connecting(now: number): void {
    this.#state = { kind: "connecting", until: now + this.#options.connectTimeoutMs };
  }

  /** The connection is usable. */
  connected(now: number): void {
    this.#state = { kind: "active", since: now, heard: now };
  }

  /** Bytes arrived. */
  received(now: number): void {
    const state = this.#state;
    if (state.kind === "probing") this.#silences = 0;
    if (state.kind === "active" || state.kind === "probing")
      this.#state = { kind: "active", since: state.since, heard: now };
  }

  /** A probe was sent. */
  probed(now: number): void {
    if (this.#state.kind === "active")
      this.#state = { kind: "probing", since: this.#state.since, until: now + this.#probeIntervalMs };
  }

  /** The attempt failed, or the connection ended. */
  disconnected(now: number): void {
    const { remotes, minBackoffMs, maxBackoffMs, random } = this.#options;
    const held =
      (this.#state.kind === "active" || this.#state.kind === "probing") &&
      now - this.#state.since >= this.#backoffMs;
    if (this.#state.kind === "probing" && now >= this.#state.until) this.#silences++;
    this.#failures = held ? 1 : this.#failures + 1;
    const rounds = Math.floor((this.#failures - 1) / remotes);
    this.#backoffMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** rounds);
    // Half of it at random: many clients of a server that comes back do not come all at once.
    this.#state = { kind: "backoff", until: now + this.#backoffMs * (0.5 + 0.5 * random()) };
  }
}
