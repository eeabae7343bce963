// The one test command: static checks, then unit tests in one process, and each contract and sandbox file in a process
// of its own, with a time limit; and at the end a look for anything left behind. Last line: `N passed, N failed`.
// Three run at a time, because they mostly wait, but never more than two sandboxes, which work more; and what only waits
// runs beside them. Sandboxes that measure how long a stream stands still run alone.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { leftovers, removeIfEmpty, removeLeft, type TestRun, takeDown } from "./leftovers.ts";
import type { Counts } from "./reporter.ts";
import { longestFirst, type Stage, type Step, steps } from "./steps.ts";

/** How long to wait for the output that a step has already printed. */
const outputMs = 1000;

/** How long a step that ran out of time has to end by itself. */
const graceMs = 5000;

/** A dozen daemons on a shared machine: a file of these stages that fails gets a second try, and the end reports that. */
const again: ReadonlySet<Stage> = new Set(["contract", "sandbox"]);

const { values: options } = parseArgs({
  options: { only: { type: "string" }, match: { type: "string" } },
});
const scratch = mkdtempSync(join(tmpdir(), "weft-test-"));
const testRun: TestRun = { tag: `t${randomBytes(2).toString("hex").slice(1)}`, folder: join(scratch, "tmp") };
mkdirSync(testRun.folder);
let tries = 0;
const stages = options.only?.split(",");
const total: Counts = { passed: 0, failed: 0 };
const unsteady: string[] = [];

if (!process.version.startsWith("v24.")) {
  console.error(`node is ${process.version}, not v24: run the tests by make`);
  process.exit(2);
}
const chosen = [...steps()].filter(
  ({ stage, name }) => (stages?.includes(stage) ?? true) && name.includes(options.match ?? ""),
);
const failed: Step[] = [];
const of = (stage: Stage, beside: Step["beside"]): Step[] =>
  chosen.filter((step) => step.stage === stage && step.beside === beside);
for (const step of of("static", "nothing")) count(await timed(step));
const waiting = of("contract", "all lanes");
const light = [...of("unit", "lanes"), ...longestFirst(of("contract", "lanes"))];
const sandboxes = longestFirst(of("sandbox", "lanes"));
// The lanes of sandboxes end with contract files, the shortest first: so all three end together.
const heavy = (): Step | undefined => sandboxes.shift() ?? light.pop();
await Promise.all([tried(() => waiting.shift()), tried(() => light.shift()), tried(heavy), tried(heavy)]);
const last = of("sandbox", "nothing");
await tried(() => last.shift());
for (const step of failed) {
  unsteady.push(step.name);
  count(await timed(step));
}
if (unsteady.length > 0) console.log(`UNSTEADY tried twice: ${unsteady.join(", ")}`);
const left = leftovers(testRun);
if (left.length > 0) console.log(`FAIL nothing is left behind: ${left.join(", ")}`);
else console.log("ok   nothing is left behind");
total[left.length > 0 ? "failed" : "passed"]++;
rmSync(scratch, { recursive: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed <= 1 ? 1 : 0);

/** Runs one step after the other until `next` has no more. What may be tried a second time and fails is left for that. */
async function tried(next: () => Step | undefined): Promise<void> {
  for (let step = next(); step; step = next()) {
    const counts = await timed(step);
    if (counts.failed > 0 && again.has(step.stage)) failed.push(step);
    else count(counts);
  }
}

function count({ passed, failed }: Counts): void {
  total.passed += passed;
  total.failed += failed;
}

/**
 * Runs one step with a TMPDIR of its own, and prints its output and its result. What a failed step has left in the
 * TMPDIR, or on the machine when it was ended, is printed and removed, so that it is not held against a second try.
 */
async function timed(step: Step): Promise<Counts> {
  const started = Date.now();
  // Short, because the path of a unix socket has at most 107 characters.
  const folder = join(testRun.folder, `${tries++}`);
  mkdirSync(folder);
  const { counts, said, ended } = await run(step, folder);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const { passed, failed } = counts;
  process.stdout.write(said);
  console.log(
    `${failed ? "FAIL" : "ok  "} ${step.stage} ${step.name}: ${passed} passed, ${failed} failed, ${seconds} s`,
  );
  const left = [
    ...(ended === undefined ? [] : await takeDown(testRun.tag, ended)),
    ...(failed === 0 ? [] : removeLeft(folder)),
  ];
  for (const each of left) console.log(`left by ${step.name}: ${each}`);
  if (failed === 0) removeIfEmpty(folder);
  return counts;
}

interface Outcome {
  readonly counts: Counts;
  readonly said: string;
  /** The process that ran out of time, if it did. */
  readonly ended: number | undefined;
}

/** Runs one step in a process group of its own, and ends the group when its time is over. */
async function run(step: Step, folder: string): Promise<Outcome> {
  const countsFile = join(scratch, `counts-${randomBytes(4).toString("hex")}.json`);
  const env = {
    ...process.env,
    WEFT_TEST_COUNTS: countsFile,
    WEFT_TEST_RUN: testRun.tag,
    // As bin/weft has it: a test file then starts with half the work.
    NODE_COMPILE_CACHE: join(import.meta.dirname, "../build/compiled"),
    TMPDIR: folder,
    ...step.env,
  };
  const [command = "", ...args] = step.argv;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, env });
  const said: Buffer[] = [];
  let killing: NodeJS.Timeout | undefined;
  let ended: number | undefined;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const limit = setTimeout(() => {
    said.push(Buffer.from(`FAIL ${step.name}: not done after ${step.limitSeconds} s, ended\n`));
    ended = child.pid;
    // Asked to end, it still removes its files; whatever does not end then is killed.
    child.kill("SIGTERM");
    killing = setTimeout(() => killGroup(child), graceMs);
  }, step.limitSeconds * 1000);
  const closed = once(child, "close");
  const code = await new Promise<number>((resolve) => child.on("exit", (status) => resolve(status ?? 1)));
  // Whatever a step leaves running may hold its output open.
  await Promise.race([closed, delay(outputMs)]);
  clearTimeout(limit);
  if (killing) {
    clearTimeout(killing);
    killGroup(child);
  }
  return { counts: countsOf(step, countsFile, code), said: Buffer.concat(said).toString(), ended };
}

/** Kills the leader of a process group and whatever of the group is left. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function countsOf(step: Step, file: string, code: number): Counts {
  if (!step.counted) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const counts = readCounts(file);
  const missing = counts.failed === 0 && (code !== 0 || counts.passed === 0);
  return missing ? { passed: counts.passed, failed: 1 } : counts;
}

function readCounts(file: string): Counts {
  try {
    const { passed, failed }: Counts = JSON.parse(readFileSync(file, "utf8"));
    return { passed, failed };
  } catch (error) {
    console.log(`the test process wrote no counts: ${String(error)}`);
    return { passed: 0, failed: 1 };
  }
}
