// Queries a running Open vSwitch or OVN daemon over its control socket, as ovs-appctl does: JSON-RPC 1.0 on a unix
// stream (ovs-appctl(8), lib/unixctl.c). The daemon's pidfile gives the path.

import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

/** The control socket of `daemon` in its run directory. Rejects when there is no pidfile. */
export async function controlSocket(runDirectory: string, daemon: string): Promise<string> {
  const pid = (await readFile(join(runDirectory, `${daemon}.pid`), "utf8")).trim();
  return join(runDirectory, `${daemon}.${pid}.ctl`);
}

/** What shows, after a failed question, that there is no such process; undefined if there may be one. */
export function absence(error: unknown): "no pidfile or socket" | "nobody listens on its socket" | undefined {
  const causes = error instanceof Error ? [error, error.cause] : [];
  const has = (code: string): boolean =>
    causes.some((each) => each instanceof Error && "code" in each && each.code === code);
  if (has("ENOENT")) return "no pidfile or socket";
  return has("ECONNREFUSED") ? "nobody listens on its socket" : undefined;
}

/** The daemon's answer to `method`. Rejects with the daemon's error, or when no answer comes within `timeoutMs`. */
export function unixctl(
  socket: string,
  method: string,
  params: readonly string[] = [],
  timeoutMs = 5000,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    let text = "";
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      connection.destroy();
      settle();
    };
    const fail = (reason: string, cause?: Error): void =>
      finish(() => reject(new Error(`${socket} ${method}: ${reason}`, { cause })));
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    connection.setEncoding("utf8");
    connection.on("connect", () => connection.write(JSON.stringify({ id: 0, method, params })));
    connection.on("error", (error) => fail(error.message, error));
    connection.on("end", () => fail("closed without an answer"));
    connection.on("data", (chunk: string) => {
      text += chunk;
      const answer = answerIn(text);
      if (answer === undefined) return;
      if (typeof answer.error === "string") return fail(answer.error.trim());
      return finish(() => resolve(answer.result));
    });
  });
}

/**
 * The whole answer, or undefined while part of it is still missing: the protocol has no delimiter. Of result and error a daemon
 * may leave out the one that is null.
 */
function answerIn(text: string): { readonly result: string; readonly error: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const result = typeof value === "object" && value !== null && "result" in value ? value.result : null;
    const error = typeof value === "object" && value !== null && "error" in value ? value.error : null;
    if (typeof result === "string" || typeof error === "string")
      return { result: typeof result === "string" ? result : "", error };
    return { result: "", error: "the answer is not JSON-RPC" };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * What ovn-controller says about its connection to the southbound database, or why it does not answer. Never rejects.
 */
export async function controllerStatus(runDirectory: string): Promise<string> {
  try {
    const socket = await controlSocket(runDirectory, "ovn-controller");
    return (await unixctl(socket, "connection-status")).trim();
  } catch (error) {
    return `no answer (${error instanceof Error ? error.message : String(error)})`;
  }
}
