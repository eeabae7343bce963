// The life of a long-running command: it runs until SIGTERM or SIGINT, then ends cleanly. A second signal ends it at
// once.

/** Runs `work` until it is done or the process is told to stop. A rejection after that is not a failure. */
export async function untilStopped(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const stop = (name: string): void => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort(new Error(`stopped by ${name}`));
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  try {
    await work(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    process.off("SIGTERM", stop).off("SIGINT", stop);
  }
}
