// When to connect, when to probe a silent server, when to give it up: a state machine without timers or sockets. It
// is told what happens and what time it is, and says what to do now or until when to wait. The idea comes from Open
// vSwitch's reconnect.py. Times are milliseconds of one monotonic clock.

export interface ReconnectOptions {
  /** How many remotes there are. A failure doubles the wait only after each of them has been tried. */
  readonly remotes: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Until the connection is usable, handshake included. */
  readonly connectTimeoutMs: number;
  /** Silence after which to send a probe, and again after which to give up; 0 for never. */
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

/** A probe interval of 10 s so grows to 160 s at most. */
const mostDoublings = 4;

export class Reconnect {
  readonly #options: ReconnectOptions;
  #state: State;
  /** Failures since the last connection that held. */
  #failures = 0;
  #backoffMs = 0;
  /**
   * Connections in a row that ended because a probe went unanswered. ovsdb-server answers nobody while it writes a
   * huge reply, for example half a minute for a monitor of a million rows: with the same patience each time, that
   * would never end. A connection that is still heard after as long as it would have waited starts the count over.
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
    if (state.kind !== "active" && state.kind !== "probing") return;
    // A server that always has something to say is never probed.
    if (state.kind === "probing" || now - state.since >= 2 * this.#probeIntervalMs) this.#silences = 0;
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
    // Half of it is random, so that the clients of a restarted server do not all return at once.
    this.#state = { kind: "backoff", until: now + this.#backoffMs * (0.5 + 0.5 * random()) };
  }
}
