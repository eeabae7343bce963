// The one test command: static checks, then unit tests in one process, then each contract and sandbox file in a process
// of its own, with a time limit; and at the end a look for anything left behind. Last line: `N passed, N failed`.
// Contract and sandbox files run two at a time, because they mostly wait; those that measure gaps in streams or count packets run alone.
//
// Two versions of OVN are under test. Everything runs on the newer one (25.03 with Open vSwitch 3.5). Where the
// machine's own is older (23.03 with 3.1), whatever could differ there runs on it too: how ovsdb-server talks, how
// northd and ovn-controller read the rows that Weft writes, how vswitchd reacts to what the agent does. `WEFT_OVN`
// (`make test OVN=…`) chooses a single version.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isAtLeast, machineVersion, newer } from "../sandbox/ovn/choice.ts";
import { leftovers, removeIfEmpty, removeLeft, type TestRun } from "./leftovers.ts";
import type { Counts } from "./reporter.ts";

type Stage = "static" | "unit" | "contract" | "sandbox";

interface Step {
  readonly stage: Stage;
  readonly name: string;
  readonly argv: readonly string[];
  /** Node test files report counts; any other command counts as one test. */
  readonly counted: boolean;
  readonly limitSeconds: number;
  /** Nothing else may run beside it. */
  readonly alone: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const sources = ["src", "sandbox", "test", "bench", "lint", "deploy", "oxlint.config.ts"];

/** How long to wait for the output that a step has already printed. */
const outputMs = 1000;

/** How long a step that ran out of time has to end by itself. */
const graceMs = 5000;

/** Sandbox files that also run in other networks: see Cluster.up. */
const otherNetworks: ReadonlyMap<string, readonly string[]> = new Map([
  ["paths", ["underlay"]],
  ["services", ["underlay"]],
  ["distribution", ["underlay"]],
  ["cni", ["pooled", "underlay"]],
  ["policyBirths", ["pooled", "underlay"]],
  ["policyNodes", ["pooled"]],
]);

/**
 * Contract files that start something of OVN, except those about Weft's own code: its agent's faults, a hostile server,
 * a tarball.
 */
const contractOnOwn =
  /^(agent|commandsTls|engine|ovsdb(?!Garbage|Package)|plan|pool(?!Faults)|statusLeader|teardown|term)/;
/**
 * Among the sandbox files: packets between all places, the life of a port, restarts of OVN's processes under load. Services
 * would take two minutes more: `make test OVN=host`.
 */
const sandboxOnOwn: ReadonlySet<string> = new Set(["paths", "cni", "faultRestart"]);

/** Sandbox files that measure how long a stream stands still, or count single packets that get no answer. */
const needsTheMachine: ReadonlySet<string> = new Set([
  "faultClock",
  "faultRestart",
  "faultVswitchd",
  "underlayAlone",
  "underlayNode",
  "underlayTenants",
]);

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
for (const step of chosen.filter(({ stage }) => !again.has(stage))) count(await timed(step));
const together = chosen.filter(({ stage, alone }) => again.has(stage) && !alone);
// One lane begins with the contract files, the other with the sandboxes, which are heavier.
await Promise.all([tried(() => together.shift()), tried(() => together.pop())]);
const last = chosen.filter(({ stage, alone }) => again.has(stage) && alone);
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

/** Runs one step after the other until `next` has no more. A step that fails is left for a second try. */
async function tried(next: () => Step | undefined): Promise<void> {
  for (let step = next(); step; step = next()) {
    const counts = await timed(step);
    if (counts.failed > 0) failed.push(step);
    else count(counts);
  }
}

function count({ passed, failed }: Counts): void {
  total.passed += passed;
  total.failed += failed;
}

function* steps(): Generator<Step> {
  const check = (name: string, ...argv: readonly string[]): Step => ({
    stage: "static",
    name,
    argv,
    counted: false,
    limitSeconds: 120,
    alone: true,
  });
  yield check("format", "biome", "check", "--error-on-warnings", ".");
  yield check("lint", "oxlint", "--type-aware", "--deny-warnings", ...sources);
  yield check("types", "tsc", "-p", ".");
  yield tests(
    "unit",
    "all",
    find(
      "src/**/*.test.ts",
      "lint/*.test.ts",
      "deploy/**/*.test.ts",
      "sandbox/**/*.test.ts",
      "bench/*.test.ts",
      "test/golden/*.test.ts",
      "test/kernel/{image,report}.test.ts",
      "test/soak/*.test.ts",
      "test/kubernetes/**/*.test.ts",
    ),
    120,
  );
  const own = process.env["WEFT_OVN"] ? undefined : olderMachineVersion();
  const onOwn = (step: Step): Step => ({
    ...step,
    name: `${step.name} on the machine's Open vSwitch ${own}`,
    env: { WEFT_OVN: "host" },
  });
  for (const file of find("test/contract/*.test.ts")) {
    const step = tests("contract", file, [file], 300);
    yield step;
    if (own !== undefined && contractOnOwn.test(basename(file))) yield onOwn(step);
  }
  for (const file of find("test/sandbox/*.test.ts")) {
    const name = basename(file, ".test.ts");
    const step = { ...tests("sandbox", file, [file], 600), alone: needsTheMachine.has(name) };
    yield step;
    if (own !== undefined && sandboxOnOwn.has(name)) yield onOwn(step);
    // What people expect of pods, Services and the CNI holds in every network.
    for (const network of otherNetworks.get(name) ?? [])
      yield { ...step, name: `${file} ${network}`, env: { WEFT_NETWORK: network } };
  }
}

/** The version of the machine's own Open vSwitch, if `make setup` has installed a newer one. */
function olderMachineVersion(): string | undefined {
  const version = machineVersion();
  return version !== undefined && isAtLeast(version, newer.openVSwitch) ? undefined : version;
}

function tests(stage: Step["stage"], name: string, files: readonly string[], limitSeconds: number): Step {
  const argv = [
    "node",
    "--test",
    "--test-isolation=none",
    "--test-force-exit",
    "--test-reporter=./test/reporter.ts",
    ...files,
  ];
  return { stage, name, argv, counted: true, limitSeconds, alone: false };
}

function find(...globs: readonly string[]): string[] {
  return globs.flatMap((glob) => globSync(glob).sort());
}

/**
 * Runs one step with a TMPDIR of its own, and prints its output and its result. What a failed step has left in the
 * TMPDIR is printed and removed, so that it is not held against a second try.
 */
async function timed(step: Step): Promise<Counts> {
  const started = Date.now();
  // Short, because the path of a unix socket has at most 107 characters.
  const folder = join(testRun.folder, `${tries++}`);
  mkdirSync(folder);
  const { counts, said } = await run(step, folder);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const { passed, failed } = counts;
  process.stdout.write(said);
  console.log(
    `${failed ? "FAIL" : "ok  "} ${step.stage} ${step.name}: ${passed} passed, ${failed} failed, ${seconds} s`,
  );
  if (failed === 0) removeIfEmpty(folder);
  else for (const left of removeLeft(folder)) console.log(`left by ${step.name}: ${left}`);
  return counts;
}

/** Runs one step in a process group of its own, and ends the group when its time is over. */
async function run(step: Step, folder: string): Promise<{ readonly counts: Counts; readonly said: string }> {
  const countsFile = join(scratch, `counts-${randomBytes(4).toString("hex")}.json`);
  const env = {
    ...process.env,
    WEFT_TEST_COUNTS: countsFile,
    WEFT_TEST_RUN: testRun.tag,
    TMPDIR: folder,
    ...step.env,
  };
  const [command = "", ...args] = step.argv;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, env });
  const said: Buffer[] = [];
  let killing: NodeJS.Timeout | undefined;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const limit = setTimeout(() => {
    said.push(Buffer.from(`FAIL ${step.name}: not done after ${step.limitSeconds} s, ended\n`));
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
  return { counts: countsOf(step, countsFile, code), said: Buffer.concat(said).toString() };
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
