// `make soak`: a cluster to which everything happens for some minutes, and then must be as if nothing had. Exit status: 0
// it is; 1 something differs, and the sandbox stays up to be looked at; 2 the campaign could not be run; 130 interrupted.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Campaign, Campaigner } from "./campaign.ts";
import { beginningOf, doubles, emptyChecks, findings, wholeChecks } from "./checks.ts";
import { possibleFaults } from "./fault.ts";
import { type Footprint, footprints } from "./footprint.ts";
import { type Ground, isMode, type Mode, modes, prepare, secondController, soakNamespace } from "./ground.ts";
import { scheduleOf } from "./schedule.ts";

const usage = `usage: make soak [MINUTES=20] [SEED=number] [MODE=overlay|pooled|underlay] [NODES=3]`;
const progressMs = 15_000;
const mostLines = 40;

interface Choice {
  readonly minutes: number;
  readonly seed: number;
  readonly mode: Mode;
  readonly nodes: number;
}

class UsageError extends Error {}

function choiceOf(words: readonly string[]): Choice {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...words],
    options: { minutes: text, seed: text, mode: text, nodes: text },
  });
  const number = (name: "minutes" | "seed" | "nodes", fallback: number, least: number): number => {
    const value = values[name] ? Number(values[name]) : fallback;
    if (!Number.isFinite(value) || value < least || (name !== "minutes" && !Number.isInteger(value)))
      throw new UsageError(`${name.toUpperCase()}=${values[name]}: a number from ${least}`);
    return value;
  };
  const mode = values.mode || "overlay";
  if (!isMode(mode)) throw new UsageError(`MODE=${mode}: ${Object.keys(modes).join(", ")}`);
  return {
    minutes: number("minutes", 20, 0.1),
    seed: number("seed", Math.floor(Math.random() * 2 ** 31), 0),
    mode,
    // The second controller is not on the first one's node.
    nodes: number("nodes", 3, 2),
  };
}

const start = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(7)} s  ${line}`);

async function soak(choice: Choice, signal: AbortSignal): Promise<number> {
  const again = `make soak MINUTES=${choice.minutes} SEED=${choice.seed} MODE=${choice.mode} NODES=${choice.nodes}`;
  console.log(`soak: seed ${choice.seed}; to run the same again: ${again}`);
  const ground = await prepare(choice.mode, choice.nodes);
  const { sandbox } = ground.cluster;
  let differs = false;
  try {
    const wrong = await campaign(ground, choice, signal);
    differs = wrong.size > 0;
    if (differs) report(ground, wrong, again);
    else console.log(`soak: everything is as a plan from nothing says (seed ${choice.seed})`);
    return differs ? 1 : 0;
  } finally {
    ground.client[Symbol.dispose]();
    if (!differs) await sandbox.down();
  }
}

async function campaign(
  ground: Ground,
  { minutes, seed }: Choice,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { cluster } = ground;
  const { layout, processes } = cluster.sandbox;
  const nodes = layout.nodeHosts.map(({ name }) => name);
  const log = join(layout.state, "campaign.log");
  say(`sandbox ${layout.name} is up: ${nodes.join(" ")}; every deed is in ${log}`);
  const settled = await findings(wholeChecks(ground, nobody), () => undefined);
  if (settled.size > 0) return settled;
  const beginning = await beginningOf(cluster);
  const steps = scheduleOf({ seed, minutes, nodes, faults: possibleFaults(layout, [secondController]) });
  const campaigner = new Campaigner(ground, (line) =>
    appendFileSync(log, `${new Date().toISOString()} ${line}\n`),
  );
  await campaigner.found(nodes);
  const doubled = new Set<string>();
  const watching = new AbortController();
  const watches = Promise.all([
    everyMs(progressMs, watching.signal, () => say(progress(campaigner))),
    everyMs(1_000, watching.signal, async () => {
      for (const line of await doublesNow(ground)) doubled.add(line);
    }),
  ]);
  const done = await campaigner.run(steps, signal).finally(() => watching.abort());
  await watches;
  say("quiet; what was done:");
  for (const [what, count] of [...done.counts].toSorted(([a], [b]) => a.localeCompare(b, "en")))
    console.log(`${String(count).padStart(8)}  ${what}`);
  const wrong = new Map(await findings(wholeChecks(ground, done), say));
  if (doubled.size > 0) wrong.set("no two pods had one address at the same time", [...doubled]);
  if (wrong.size > 0) return wrong;
  await cluster.kubectl(
    "delete",
    "pods,services,networkpolicies",
    "-n",
    soakNamespace,
    "--all",
    "--wait=false",
  );
  for (const [name, lines] of await findings(emptyChecks(ground, beginning), say)) wrong.set(name, lines);
  printFootprints(beginning.footprints, footprints(processes));
  return wrong;
}

const nobody: Campaign = {
  counts: new Map(),
  living: { pod: new Set(), policy: new Set(), service: new Set() },
};

async function everyMs(ms: number, signal: AbortSignal, action: () => unknown): Promise<void> {
  while (!signal.aborted) {
    await delay(ms, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await action();
  }
}

/** Nothing when the API server does not answer. */
async function doublesNow({ client }: Ground): Promise<readonly string[]> {
  const page = await client.list(`/api/v1/namespaces/${soakNamespace}/pods`).catch(() => undefined);
  return doubles(JSON.parse(JSON.stringify(page?.items ?? [])));
}

function progress({ counts, present }: Campaigner): string {
  const faults = [...counts].reduce((sum, [what, count]) => sum + (what.startsWith("fault ") ? count : 0), 0);
  const [born, died] = ["pod is born", "pod dies"].map((what) => counts.get(what) ?? 0);
  return `${born} pods born, ${died} dead; ${faults} faults; now: ${present.join(", ") || "none"}`;
}

function printFootprints(
  before: ReadonlyMap<string, Footprint>,
  after: ReadonlyMap<string, Footprint>,
): void {
  for (const [name, { residentMb, files }] of after) {
    const then = before.get(name);
    console.log(
      `  ${name.padEnd(22)} ${then?.residentMb} ▶ ${residentMb} MB, ${then?.files} ▶ ${files} files`,
    );
  }
}

function report({ cluster }: Ground, wrong: ReadonlyMap<string, readonly string[]>, again: string): void {
  const { name, state, processDirectory } = cluster.sandbox.layout;
  for (const [check, lines] of wrong) {
    console.log(`\nnot true: ${check}`);
    for (const line of lines.slice(0, mostLines)) console.log(`  ${line}`);
    if (lines.length > mostLines) console.log(`  … and ${lines.length - mostLines} more`);
  }
  console.log(
    [
      "",
      `soak: ${wrong.size} checks failed. The sandbox is up as it was found:`,
      `  what was done and when   ${state}/campaign.log`,
      `  logs of the processes    ${processDirectory}/*.log`,
      `  look around              bin/weft sandbox status --name ${name}; bin/weft sandbox exec --name ${name} n1 -- weft status`,
      `  the same again           ${again}`,
      `  remove it                bin/weft sandbox down --name ${name}`,
    ].join("\n"),
  );
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
try {
  process.exitCode = await soak(choiceOf(process.argv.slice(2)), stopping.signal);
} catch (error) {
  const words =
    error instanceof Error ? (process.env["WEFT_DEBUG"] && error.stack) || error.message : String(error);
  console.error(`soak: ${stopping.signal.aborted ? "interrupted; the sandbox is gone" : words}`);
  if (error instanceof UsageError) console.error(usage);
  process.exitCode = stopping.signal.aborted ? 130 : 2;
}
