// Waiting without polling: look now, and look again each time something that could matter has changed.

/** Anything that tells its listeners about changes: a replica, a store of Kubernetes objects. */
export interface Source {
  subscribe(listener: () => void): () => void;
}

/**
 * What `look` answers, as soon as it answers something. It looks now and whenever one of `sources` has changed.
 * Rejects with what `look` throws, and with the reason of `signal`.
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
