// Notices each start of vswitchd, after which its OpenFlow tables are empty and, in the userspace datapath, its
// interfaces new. The database does not show it, since its rows stay the same; but a connection to vswitchd's control
// socket lives exactly as long as the process.

import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { controlSocket } from "./unixctl.ts";

const retryMs = 200;

/** Calls `started` now and after every restart, as soon as vswitchd listens. Returns when `signal` is aborted. */
export async function followVswitchd(
  runDirectory: string,
  started: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await oneLife(await controlSocket(runDirectory, "ovs-vswitchd"), started, signal);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves when the process behind `socket` has ended, or if there is none. */
async function oneLife(socket: string, started: () => void, signal: AbortSignal): Promise<void> {
  const connection = connect(socket, started);
  const stop = (): void => void connection.destroy();
  signal.addEventListener("abort", stop);
  // The socket of a dead process refuses connections; "close" follows every "error".
  connection.on("error", () => undefined);
  await new Promise<void>((resolve) => connection.once("close", () => resolve()));
  signal.removeEventListener("abort", stop);
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
