// Runs probe.pl at the start of a path and reads its answers: on a host in its namespace, in a pod by kubectl exec, so
// that the check takes the same way as a user.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunOptions, run } from "../process/run.ts";
import type { Sandbox } from "../sandbox.ts";
import type { Checked } from "./matrix.ts";
import type { Path, Place, Result } from "./paths.ts";

const program = readFileSync(join(import.meta.dirname, "probe.pl"), "utf8");
const timeoutMs = 60_000;
/** How long an answer is waited for. */
const patienceSeconds = 5;

/** Tries every path: all paths of one source at once, one source after the other. */
export async function checkPaths(
  sandbox: Sandbox,
  paths: readonly Path[],
  progress: (from: Place, ok: number, all: number) => void,
  limitSeconds = patienceSeconds,
): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  for (const [from, leaving] of Map.groupBy(paths, (path) => path.from)) {
    const results = await probe(sandbox, from, leaving, limitSeconds);
    const found = leaving.map((path, index) => ({ path, result: results[index] ?? silence }));
    progress(from, found.filter(({ result }) => result.ok).length, found.length);
    checked.push(...found);
  }
  return checked;
}

const silence: Result = { ok: false, milliseconds: 0, words: "the probe gave no answer" };

function probe(
  sandbox: Sandbox,
  from: Place,
  paths: readonly Path[],
  limitSeconds: number,
): Promise<readonly Result[]> {
  if (from.sort !== "pod") {
    const host = sandbox.host(from.name);
    return askFrom((argv, options) => host.exec(argv, options), paths, limitSeconds);
  }
  const [namespace = "", pod = ""] = from.name.split("/");
  const env = { KUBECONFIG: sandbox.kubeconfig };
  const inPod = ["kubectl", "exec", "-i", "-n", namespace, pod, "--"];
  return askFrom((argv, options) => run([...inPod, ...argv], { ...options, env }), paths, limitSeconds);
}

/** One question to one address; `port` is 0 for a ping. */
export type Question = Pick<Path, "way" | "address" | "port" | "fromPort">;

/** Asks all at once, wherever `exec` runs commands. The answers are in the order of the questions. */
export async function askFrom(
  exec: (argv: readonly string[], options: RunOptions) => Promise<string>,
  questions: readonly Question[],
  limitSeconds = patienceSeconds,
): Promise<readonly Result[]> {
  const input = questions
    .map(({ way, address, port, fromPort = 0 }, index) => `${index} ${way} ${address} ${port} ${fromPort}\n`)
    .join("");
  const results = parsed(await exec(["perl", "-e", program, String(limitSeconds)], { input, timeoutMs }));
  return questions.map((_, index) => results.get(String(index)) ?? silence);
}

const line = /^(?<id>\d+) (?<outcome>ok|fail) (?<ms>[\d.]+) (?<words>.*)$/;

function parsed(output: string): ReadonlyMap<string, Result> {
  const results = new Map<string, Result>();
  for (const text of output.split("\n")) {
    const found = line.exec(text)?.groups;
    if (!found) continue;
    const { id = "", outcome, ms, words = "" } = found;
    results.set(id, { ok: outcome === "ok", milliseconds: Number(ms), words: words.trim() });
  }
  return results;
}
