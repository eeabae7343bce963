// One question to the agent over its unix socket: a line of JSON out, a line of JSON back, within a time limit. Every
// failure is an error whose message says what went wrong.

import type { Answer } from "./answer.ts";
import { host } from "./host.ts";

/** The agent's answer to `request`. Throws when there is none: socket absent, refused, closed early, late, not JSON. */
export function ask(socket: string, request: object, timeoutMs: number): Answer {
  const answer = answerOf(host.exchange(socket, `${JSON.stringify(request)}\n`, timeoutMs));
  if (!answer) throw new Error(`${socket}: the connection closed before an answer came`);
  return answer;
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
