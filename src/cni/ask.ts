// One question to the agent over its unix socket: a line of JSON out, a line of JSON back, within a time limit. Every
// failure is one rejection whose message says what went wrong.

import { connect } from "node:net";
import type { Answer } from "./answer.ts";

/**
 * The agent's answer to `request`. Rejects when there is none: socket absent, refused, closed early, late, not JSON.
 */
export function ask(socket: string, request: object, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const fail = (reason: string): void => {
      clearTimeout(timer);
      connection.destroy();
      reject(new Error(`${socket}: ${reason}`));
    };
    connection.on("connect", () => connection.write(`${JSON.stringify(request)}\n`));
    connection.on("data", (chunk: Buffer) => chunks.push(chunk));
    connection.on("error", (error) => fail(error.message));
    connection.on("end", () => {
      const answer = answerOf(Buffer.concat(chunks).toString("utf8"));
      if (!answer) return fail("the connection closed before an answer came");
      clearTimeout(timer);
      connection.destroy();
      return resolve(answer);
    });
  });
}

function answerOf(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("exit" in value) || !("stdout" in value))
      return undefined;
    const { exit, stdout } = value;
    return (exit === 0 || exit === 1) && typeof stdout === "string" ? { exit, stdout } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
