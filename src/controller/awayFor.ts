// Says when a database has been away for so long that this controller should not keep others from leading.

export interface Synced {
  readonly synced: boolean;
}

export interface Away extends Disposable {
  /** Aborts, with the reason, when the database has been away for the whole time. */
  readonly signal: AbortSignal;
}

const lookMs = 1_000;

/** Watches `replica` until it is disposed of. */
export function awayFor(patienceMs: number, replica: Synced, now: () => number): Away {
  const over = new AbortController();
  let since: number | undefined;
  const timer = setInterval(() => {
    since = replica.synced ? undefined : (since ?? now());
    if (since === undefined || now() - since < patienceMs) return;
    const seconds = Math.round(patienceMs / 1000);
    over.abort(
      new Error(`no connection to the northbound database for ${seconds} s; another controller may have one`),
    );
    clearInterval(timer);
  }, lookMs);
  return { signal: over.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
