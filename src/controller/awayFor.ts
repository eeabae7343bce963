// Tells when a database has been away for so long that this controller should let another one lead.

export interface Synced {
  readonly synced: boolean;
}

export interface Away extends Disposable {
  /** Aborts, with the reason, once the database has been away for the whole time. */
  readonly signal: AbortSignal;
}

const lookMs = 1_000;

/** Watches `replica` until disposed. */
export function awayFor(patienceMs: number, replica: Synced, now: () => number): Away {
  const over = new AbortController();
  let since: number | undefined;
  const timer = setInterval(() => {
    since = replica.synced ? undefined : (since ?? now());
    if (since === undefined || now() - since < patienceMs) return;
    const seconds = Math.round(patienceMs / 1000);
    over.abort(
      new Error(
        `no connection to the northbound database for ${seconds} s; another controller may be connected`,
      ),
    );
    clearInterval(timer);
  }, lookMs);
  return { signal: over.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
