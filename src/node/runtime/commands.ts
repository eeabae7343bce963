// The agent's answer to one line of the CNI executable: it parses the line, runs the command within a time limit, and
// turns whatever goes wrong into an error of the specification.

import { isOvsdbError } from "../../ovsdb/index.ts";
import { asCniError, CniError, cniCode } from "../nouns/cniError.ts";
import type { Attachments } from "./attachments.ts";
import { type CniRequest, type CniVersion, parseEnvelope, requestOf } from "./request.ts";
import { addResult, errorResult } from "./result.ts";

export interface Answer {
  readonly exit: 0 | 1;
  readonly stdout: string;
}

/** One answered request, for log and metrics. */
export interface Handled {
  /** "invalid" when the request could not be parsed. */
  readonly command: CniRequest["command"] | "invalid";
  readonly seconds: number;
  readonly error: CniError | undefined;
  readonly env: Readonly<Record<string, string>>;
}

export interface CommandsOptions {
  readonly attachments: Attachments;
  /** Why pods cannot be attached now; undefined when they can. */
  readonly notReady: () => string | undefined;
  /** Below the executable's own limit, so that the runtime gets our reason instead of silence. */
  readonly limitMs: number;
  readonly handled: (handled: Handled) => void;
}

/** Answers `line`. `gone` is aborted when nobody waits for the answer any more. Never rejects. */
export async function answer(options: CommandsOptions, line: string, gone: AbortSignal): Promise<Answer> {
  const started = performance.now();
  let version: CniVersion = "1.1.0";
  let env: Handled["env"] = {};
  let command: Handled["command"] = "invalid";
  const done = (error?: CniError): void =>
    options.handled({ command, seconds: (performance.now() - started) / 1000, error, env });
  try {
    const envelope = parseEnvelope(line);
    version = envelope.version;
    env = envelope.env;
    const request = requestOf(envelope);
    command = request.command;
    const signal = AbortSignal.any([gone, AbortSignal.timeout(options.limitMs)]);
    const stdout = await execute(options, request, version, signal);
    done();
    return { exit: 0, stdout };
  } catch (caught) {
    const error = translated(caught);
    done(error);
    return { exit: 1, stdout: errorResult(version, error) };
  }
}

async function execute(
  { attachments, notReady }: CommandsOptions,
  request: CniRequest,
  version: CniVersion,
  signal: AbortSignal,
): Promise<string> {
  const reason = notReady();
  switch (request.command) {
    case "ADD":
      if (reason !== undefined)
        throw new CniError(cniCode.tryAgainLater, `this node is not ready: ${reason}`);
      return addResult(version, await attachments.add(request, signal));
    case "DEL":
      await attachments.remove(request);
      return "";
    case "CHECK":
      await attachments.check(request);
      return "";
    case "GC":
      await attachments.collect(request);
      return "";
    case "STATUS":
      if (reason !== undefined) throw new CniError(cniCode.notAvailable, `this node is not ready: ${reason}`);
      return "";
  }
}

/** That the database is away is not the request's fault. */
function translated(error: unknown): CniError {
  if (isOvsdbError(error) && (error.retryable || error.outcomeUnknown)) {
    return new CniError(
      cniCode.tryAgainLater,
      `the Open vSwitch database cannot be reached: ${error.message}`,
      {
        cause: error,
      },
    );
  }
  return asCniError(error);
}
