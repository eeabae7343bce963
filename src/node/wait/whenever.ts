// Waiting without polling: look now, and look again each time something relevant may have changed.

/** Anything that notifies listeners of changes: a replica, a store of Kubernetes objects. */
export interface Source {
  subscribe(listener: () => void): () => void;
}

/**
 * Resolves with what `look` returns, as soon as that is not undefined. It looks now and after every change of one of
 * `sources`. Rejects with what `look` throws, or with the reason of `signal`.
 */
export function whenever<T>(
  sources: readonly Source[],
  signal: AbortSignal,
  look: () => T | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const unsubscribe: (() => void)[] = [];
    const finish = (settle: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      for (const end of unsubscribe) end();
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal.reason));
    const attempt = (): void => {
      try {
        const found = look();
        if (found !== undefined) finish(() => resolve(found));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    for (const source of sources) unsubscribe.push(source.subscribe(attempt));
    return attempt();
  });
}
